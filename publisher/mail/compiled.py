"""Compile an issue's mail once, then write one message per recipient. Pure: bytes out.

All text that the messages share is encoded once. Writing a message only joins these bytes with
the recipient's own values, about 60 µs each. The same mail, recipient and date give the same
bytes on every attempt.
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
    """An issue's mail, ready to be written to its recipients. Safe among threads."""

    _values: PersonalValues
    _names: MessageNames
    _header: MessageHeader
    _body: MultipartBody
    _signers: Sequence[DkimSigner]

    def message(self, recipient: Recipient, date: datetime) -> Message:
        """Return a recipient's message.

        Raise DeliveryError if no message can hold the recipient's name or address.
        """
        name = self._names.name_for(recipient.id)
        try:
            values = self._values.values_for(recipient)
            lines = self._header.lines(recipient, name, date, values)
        except UnicodeEncodeError:
            raise DeliveryError(
                f"subscriber {recipient.id} can't be written to: the name or language on record "
                "holds half a surrogate pair, which is not text"
            ) from None
        body = self._body.filled(values)
        if self._signers:
            lines.insert(0, dkim_fields(self._signers, [*map(_header_field, lines)], body))
        return Message(recipient.id, name, b"".join((*lines, b"\r\n", *body)))


def compile_mail(
    mail: IssueMail, secret: str, signers: Sequence[DkimSigner] = ()
) -> CompiledMail:
    """Encode all that the messages share. Raise DeliveryError for text that no mail can hold."""
    values = PersonalValues(mail, secret)
    # Neither encoding of a part writes `=_`, so no part contains the boundary (RFC 2046 5.1.1).
    boundary = f"=_{hashlib.sha256(mail.issue.name.encode()).hexdigest()[:32]}"
    header = MessageHeader(values, boundary)
    body = MultipartBody.compile(values, boundary)
    return CompiledMail(values, MessageNames(secret, mail.issue), header, body, tuple(signers))


def compose_message(mail: IssueMail, recipient: Recipient, secret: str) -> Message:
    """Return one recipient's message, unsigned, with the mail's own date."""
    return compile_mail(mail, secret).message(recipient, mail.date)


def _header_field(line: bytes) -> HeaderField:
    name, _colon, value = line.partition(b":")
    return name, value.removesuffix(b"\r\n")
