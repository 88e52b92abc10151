"""One reader's message: an issue, compiled once, and then her own values. Pure: bytes out.

Writing a message is joining what is encoded already with what is the reader's own. The same
issue, reader and date give the same bytes on every attempt. Knows no ledger and no transport.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from publisher.composing.bodies import Bodies
from publisher.composing.dkim import Field, Signer, signatures
from publisher.composing.fields import Head, Names
from publisher.composing.message import Letter, Message
from publisher.composing.values import Values
from publisher.errors import DeliveryError
from subscribers import Recipient


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Compiled:
    """An issue that is ready to be written to its readers; for any number of threads."""

    _values: Values
    _names: Names
    _head: Head
    _bodies: Bodies
    _signers: Sequence[Signer]

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
            head.insert(0, signatures(self._signers, [*map(_field, head)], body))
        return Message(reader.id, name, b"".join((*head, b"\r\n", *body)))


def compile_letter(letter: Letter, secret: str, signers: Sequence[Signer] = ()) -> Compiled:
    """Prepare an issue; raises DeliveryError for what no message can hold."""
    values = Values(letter, secret)
    # Neither encoding of a part has an underscore, so the boundary occurs in none (RFC 2046 5.1.1).
    boundary = f"=_{hashlib.sha256(letter.issue.name.encode()).hexdigest()[:32]}"
    head = Head(values, boundary)
    bodies = Bodies.of(values, boundary)
    return Compiled(values, Names(secret, letter.issue), head, bodies, tuple(signers))


def compose(letter: Letter, recipient: Recipient, secret: str) -> Message:
    """Write the message of one reader, unsigned, with the letter's own date."""
    return compile_letter(letter, secret).message(recipient, letter.date)


def _field(line: bytes) -> Field:
    name, _colon, value = line.partition(b":")
    return name, value.removesuffix(b"\r\n")
