"""The header of a message: fields that all messages of an issue share, and personal ones. Pure."""

from __future__ import annotations

import hmac
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
    PLAIN_ADDRESS,
    encode_field,
    encode_mailbox,
    encode_text,
)
from publisher.mail.message import IssueMail
from publisher.mail.personalisation import (
    PersonalValues,
    PlaceholderText,
    placeholder_text,
    printable_line,
)
from publisher.mail_limits import MIME_COLUMNS
from publisher.rendering.placeholders import (
    Placeholder,
    find_placeholders,
    split_at_placeholders,
)
from subscribers import Recipient

# Google's Feedback-ID wants a sender's id of 5 to 15 characters that never changes.
_SENDER_ID = (5, 15)
# A display name that needs neither quotes nor encoding. Without `=` and `?`, which make encoded
# words.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
# Characters of `To: `, a space and two brackets.
_AROUND = 7
# The largest id that the database can hold: its token is the longest.
_LARGEST_ID = 2**63 - 1


def message_id_local_part(secret: str, issue: Issue, subscriber_id: int) -> str:
    """Return what stands before the @ in the Message-ID. It is equal on every attempt."""
    return MessageNames(secret, issue).name_for(subscriber_id)


class MessageNames:
    """The names of an issue's messages. Nobody without the secret can guess one."""

    def __init__(self, secret: str, issue: Issue) -> None:
        self._hmac = hmac.new(secret.encode(), f"{issue.name}\n".encode(), "sha256")
        self._issue_name = issue.name

    def name_for(self, subscriber_id: int) -> str:
        """Return the name of a subscriber's message."""
        signature = self._hmac.copy()
        signature.update(b"%d" % subscriber_id)
        return f"{self._issue_name}.{signature.hexdigest()[:24]}"


class MessageHeader:
    """A header whose shared fields are encoded already."""

    def __init__(self, values: PersonalValues, boundary: str) -> None:
        mail = values.mail
        sender = mail.publication.sender_in(mail.language)
        self._from = _shared_field("From", encode_mailbox(sender.name, sender.address))
        self._subject = _Subject(mail.subject)
        self._domain = sender.domain
        self._unsubscribe = _ListUnsubscribe(values)
        self._others = [_shared_field(name, value) for name, value in _others(mail, boundary)]
        # The last date and its field: nearly all messages of an issue have the same date.
        self._dated = (mail.date, date_field(mail.date))
        _shared_field(
            "Message-ID", f"<{message_id_local_part('', mail.issue, 0)}@{self._domain}>"
        )

    def lines(
        self, recipient: Recipient, name: str, date: datetime, values: Sequence[bytes]
    ) -> list[bytes]:
        """Return the fields in order, each with its line end. Raise DeliveryError, ValueError."""
        dated, line = self._dated
        if date != dated:
            line = date_field(date)
            self._dated = (date, line)
        return [
            self._from,
            to_field(recipient),
            self._subject.field_for(recipient),
            line,
            f"Message-ID: <{name}@{self._domain}>\r\n".encode("ascii"),
            self._unsubscribe.field_with(values),
            *self._others,
        ]

    def reply_fields(self, name: str) -> list[bytes]:
        """Return the fields by which a message belongs to one that was sent before (RFC 5322 3.6.4)."""
        number = f"<{name}@{self._domain}>"
        return [_shared_field(field, number) for field in ("In-Reply-To", "References")]


def to_field(recipient: Recipient) -> bytes:
    """Return the field `To`. Raise DeliveryError for a name or address that it can't hold."""
    name, address = printable_line(recipient.name), recipient.address
    if (
        len(name) + len(address) + _AROUND <= MIME_COLUMNS
        and _PLAIN_NAME.fullmatch(name)
        and PLAIN_ADDRESS.fullmatch(address)
    ):
        return f"To: {name} <{address}>\r\n".encode("ascii")
    try:
        return encode_field("To", encode_mailbox(name, address))
    except (ValueError, DeliveryError):
        # Without the address, since errors are logged.
        raise DeliveryError(
            f"subscriber {recipient.id} can't be written to: no message can hold this name and "
            "address; correct them with an import"
        ) from None


class _Subject:
    def __init__(self, subject: str) -> None:
        link = next((slot for slot in find_placeholders(subject) if slot.is_link), None)
        if link:
            raise DeliveryError(f"Subject can't hold a subscriber's link, {link}")
        try:
            self._shared = encode_field("Subject", encode_text(subject))
        except UnicodeEncodeError:
            problem = "the subject holds half a surrogate pair"
            raise DeliveryError(f"no message can be written: {problem}") from None
        self._parts: list[str | PlaceholderText] = [
            placeholder_text(part) if isinstance(part, Placeholder) else part
            for part in split_at_placeholders(subject)
        ]
        self._is_shared = all(isinstance(part, str) for part in self._parts)

    def field_for(self, recipient: Recipient) -> bytes:
        if self._is_shared:
            return self._shared
        parts = (part if isinstance(part, str) else part(recipient) for part in self._parts)
        return encode_field("Subject", encode_text("".join(parts)))


class _ListUnsubscribe:
    """List-Unsubscribe: an https link, then a mailto link (RFC 2369 section 3.2, RFC 8058).

    The mail that the second asks for has the same token as its subject.
    """

    def __init__(self, values: PersonalValues) -> None:
        mail = values.mail
        mailbox = quote(mail.mailbox or mail.publication.sender.address, safe="@")
        mailto = f"mailto:{mailbox}?subject=unsubscribe%20"
        url, self._number = values.link("unsubscribe")
        signer = values.link_signer("unsubscribe")
        longest = signer.token(_LARGEST_ID, _LARGEST_ID).decode("ascii")
        _shared_field("List-Unsubscribe", f"<{url}{longest}>, <{mailto}{longest}>")
        self._before_url = f"<{url}".encode("ascii") if mail.has_web else b""
        self._before_mailto = f"<{mailto}".encode("ascii")

    def field_with(self, values: Sequence[bytes]) -> bytes:
        token = values[self._number]
        link = b"%b%b>,\r\n " % (self._before_url, token) if self._before_url else b""
        return b"List-Unsubscribe: %b%b%b>\r\n" % (link, self._before_mailto, token)


def _others(mail: IssueMail, boundary: str) -> Iterator[tuple[str, str]]:
    publication, issue = mail.publication, mail.issue
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.serial)
    if mail.has_web:
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Id", f"<{issue.newsletter}.{issue.language.lower()}.{publication.host}>"
    yield "Feedback-ID", feedback_id(publication, issue)
    yield "Archived-At", f"<{urls.public_url(publication, path)}>"
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"
    yield "Precedence", "bulk"
    yield "MIME-Version", "1.0"
    yield "Content-Type", f'multipart/alternative; boundary="{boundary}"'
    yield "Content-Language", issue.language


def feedback_id(publication: Publication, issue: Issue) -> str:
    """Return the value of Feedback-ID: issue, language, newsletter and sender, no subscriber."""
    shortest, longest = _SENDER_ID
    host = re.sub(r"[^a-z0-9]", "", publication.host.lower())
    sender = host[:longest] if len(host) >= shortest else f"sender{host}"
    return f"{issue.day}:{issue.language}:{issue.newsletter}:{sender}"


def date_field(date: datetime) -> bytes:
    """Return the field `Date`."""
    return encode_field("Date", format_datetime(date.astimezone(UTC)))


def _shared_field(name: str, value: str) -> bytes:
    """Return a field that all messages share. Raise DeliveryError for a personal value in it."""
    if any(find_placeholders(value)):
        raise DeliveryError(f"{name} can't hold a subscriber's value, as in {value!r}")
    return encode_field(name, value)
