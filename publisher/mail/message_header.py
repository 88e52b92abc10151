"""The header of a message: what all readers of an issue share, and what is one's own. Pure.

Knows no body.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from publisher import urls
from publisher.config import Publication
from publisher.errors import DeliveryError
from publisher.issues.model import Issue
from publisher.mail.header_encoding import (
    HEADER_COLUMNS,
    PLAIN_ADDRESS,
    encode_field,
    encode_mailbox,
    encode_text,
)
from publisher.mail.macs import Mac
from publisher.mail.message import IssueMail
from publisher.mail.personalisation import PersonalValues, SlotText, printable_line
from publisher.mail.personalisation import slot_text as reader_words
from publisher.rendering.placeholders import (
    Placeholder,
    find_placeholders,
    split_at_placeholders,
)
from subscribers import Recipient

# Google's Feedback-ID asks for a sender of 5 to 15 characters that never changes.
_SENDER_ID = (5, 15)
# What needs neither quotes nor encoding; without `=` and `?`, of which encoded words are made.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
# `To: `, a space and two brackets.
_AROUND = 7
# A token's payload and signature, for the largest number that a database has.
_LONGEST_NUMBER = 2**63 - 1


def message_name(secret: str, issue: Issue, subscriber_id: int) -> str:
    """Give what comes before the @ in the Message-ID: equal on every attempt, and not guessable."""
    return MessageNames(secret, issue).of(subscriber_id)


class MessageNames:
    """The names of an issue's messages."""

    def __init__(self, secret: str, issue: Issue) -> None:
        self._mac = Mac(secret.encode(), "sha256")
        self._seed = f"{issue.name}\n".encode()
        self._name = issue.name

    def of(self, subscriber_id: int) -> str:
        """Give the name of a reader's message."""
        seal = self._mac.digest(b"%b%d" % (self._seed, subscriber_id))
        return f"{self._name}.{seal.hex()[:24]}"


class MessageHeader:
    """A header whose fixed fields are written already."""

    def __init__(self, values: PersonalValues, boundary: str) -> None:
        letter = values.letter
        sender = letter.publication.sender
        self._from = _fixed("From", encode_mailbox(sender.name, sender.address))
        self._subject = _Subject(letter.subject)
        self._domain = sender.domain
        self._unsubscribe = _Unsubscribe(values)
        self._others = [_fixed(name, value) for name, value in _others(letter, boundary)]
        # One date for most messages: whoever sends them asks with the same.
        self._dated = (letter.date, _date(letter.date))
        _fixed("Message-ID", f"<{message_name('', letter.issue, 0)}@{self._domain}>")

    def lines(
        self, reader: Recipient, name: str, date: datetime, values: Sequence[bytes]
    ) -> list[bytes]:
        """Give the fields in order, each with its line end; raises DeliveryError, ValueError."""
        dated, line = self._dated
        if date != dated:
            line = _date(date)
            self._dated = (date, line)
        return [
            self._from,
            to_field(reader),
            self._subject.of(reader),
            line,
            f"Message-ID: <{name}@{self._domain}>\r\n".encode("ascii"),
            self._unsubscribe.of(values),
            *self._others,
        ]


def to_field(reader: Recipient) -> bytes:
    """Write the field `To`; raises DeliveryError for an address that no mail can go to."""
    name, address = printable_line(reader.name), reader.address
    if (
        len(name) + len(address) + _AROUND <= HEADER_COLUMNS
        and _PLAIN_NAME.fullmatch(name)
        and PLAIN_ADDRESS.fullmatch(address)
    ):
        return f"To: {name} <{address}>\r\n".encode("ascii")
    try:
        return encode_field("To", encode_mailbox(name, address))
    except (ValueError, DeliveryError):
        # Said without the address, which is hers.
        raise DeliveryError(
            f"reader {reader.id} can't be written to: no message can name her and her address"
        ) from None


class _Subject:
    def __init__(self, subject: str) -> None:
        link = next((slot for slot in find_placeholders(subject) if slot.is_link), None)
        if link:
            raise DeliveryError(f"Subject can't hold a reader's link, {link}")
        try:
            self._fixed = encode_field("Subject", encode_text(subject))
        except UnicodeEncodeError:
            problem = "the subject holds half a surrogate pair"
            raise DeliveryError(f"no message can be written: {problem}") from None
        self._parts: list[str | SlotText] = [
            reader_words(part) if isinstance(part, Placeholder) else part
            for part in split_at_placeholders(subject)
        ]
        self._is_fixed = all(isinstance(part, str) for part in self._parts)

    def of(self, reader: Recipient) -> bytes:
        if self._is_fixed:
            return self._fixed
        said = (part if isinstance(part, str) else part(reader) for part in self._parts)
        return encode_field("Subject", encode_text("".join(said)))


class _Unsubscribe:
    """List-Unsubscribe: https first, and then by mail (RFC 2369 section 3.2, RFC 8058)."""

    def __init__(self, values: PersonalValues) -> None:
        letter = values.letter
        sender = quote(letter.publication.sender.address, safe="@")
        mailto = f"<mailto:{sender}?subject=unsubscribe%20{letter.issue.newsletter}>"
        url, self._number = values.link("unsubscribe")
        longest = values.seal("unsubscribe").token(_LONGEST_NUMBER).decode("ascii")
        _fixed("List-Unsubscribe", f"<{url}{longest}>, {mailto}")
        self._before = f"List-Unsubscribe: <{url}".encode("ascii")
        self._after = f">,\r\n {mailto}\r\n".encode("ascii")

    def of(self, values: Sequence[bytes]) -> bytes:
        return self._before + values[self._number] + self._after


def _others(letter: IssueMail, boundary: str) -> Iterator[tuple[str, str]]:
    publication, issue = letter.publication, letter.issue
    path = urls.issue_path(issue.language, issue.newsletter, issue.day)
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Id", f"<{issue.newsletter}.{issue.language.lower()}.{publication.host}>"
    yield "Feedback-ID", feedback_id(publication, issue)
    yield "Archived-At", f"<{urls.absolute_url(publication, path)}>"
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"
    yield "Precedence", "bulk"
    yield "MIME-Version", "1.0"
    yield "Content-Type", f'multipart/alternative; boundary="{boundary}"'
    yield "Content-Language", issue.language


def feedback_id(publication: Publication, issue: Issue) -> str:
    """Give the value of Feedback-ID: issue, language, newsletter, sender; nothing of the reader."""
    shortest, longest = _SENDER_ID
    host = re.sub(r"[^a-z0-9]", "", publication.host.lower())
    sender = host[:longest] if len(host) >= shortest else f"sender{host}"
    return f"{issue.day}:{issue.language}:{issue.newsletter}:{sender}"


def _date(date: datetime) -> bytes:
    return encode_field("Date", format_datetime(date.astimezone(UTC)))


def _fixed(name: str, value: str) -> bytes:
    """Write a field that is the same for all readers; raises DeliveryError."""
    if any(find_placeholders(value)):
        raise DeliveryError(f"{name} can't hold a reader's value, as in {value!r}")
    return encode_field(name, value)
