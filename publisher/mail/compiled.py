"""One reader's message: an issue, compiled once, and then her own values. Pure: bytes out.

Writing a message is joining what is encoded already with what is the reader's own. The same
issue, reader and date give the same bytes on every attempt. Knows no ledger and no transport.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.errors import DeliveryError
from publisher.mail.dkim import DkimSigner, HeaderField, dkim_fields
from publisher.mail.message import IssueMail, Message
from publisher.mail.message_header import MessageHeader, MessageNames
from publisher.mail.multipart import MultipartBody
from publisher.mail.personalisation import PersonalValues
from subscribers import Recipient


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CompiledMail:
    """An issue that is ready to be written to its readers; for any number of threads."""

    _values: PersonalValues
    _names: MessageNames
    _head: MessageHeader
    _bodies: MultipartBody
    _signers: Sequence[DkimSigner]

    def message(self, reader: Recipient, date: datetime) -> Message:
        """Write a reader's message; raises DeliveryError if she can't be written to."""
        name = self._names.of(reader.id)
        try:
            values = self._values.of(reader)
            head = self._head.lines(reader, name, date, values)
        except UnicodeEncodeError:
            raise DeliveryError(
                f"reader {reader.id} can't be written to: what is known of her is no text"
            ) from None
        body = self._bodies.filled(values)
        if self._signers:
            head.insert(0, dkim_fields(self._signers, [*map(_field, head)], body))
        return Message(reader.id, name, b"".join((*head, b"\r\n", *body)))


def compile_mail(
    letter: IssueMail, secret: str, signers: Sequence[DkimSigner] = ()
) -> CompiledMail:
    """Prepare an issue; raises DeliveryError for what no message can hold."""
    values = PersonalValues(letter, secret)
    # Neither encoding of a part has an underscore, so the boundary occurs in none (RFC 2046 5.1.1).
    boundary = f"=_{hashlib.sha256(letter.issue.name.encode()).hexdigest()[:32]}"
    head = MessageHeader(values, boundary)
    bodies = MultipartBody.of(values, boundary)
    return CompiledMail(
        values, MessageNames(secret, letter.issue), head, bodies, tuple(signers)
    )


def compose_message(letter: IssueMail, recipient: Recipient, secret: str) -> Message:
    """Write the message of one reader, unsigned, with the letter's own date."""
    return compile_mail(letter, secret).message(recipient, letter.date)


def _field(line: bytes) -> HeaderField:
    name, _colon, value = line.partition(b":")
    return name, value.removesuffix(b"\r\n")
