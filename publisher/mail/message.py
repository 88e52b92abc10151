"""One message: an issue's mail, the values that differ between recipients, and the header fields. Pure.

Names, addresses and links of a recipient are values with a number each, by which parts and fields refer to them.
"""

import hmac
import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from operator import attrgetter
from typing import Any, Self
from urllib.parse import quote

from publisher import urls
from publisher.config import DigestKey, Publication
from publisher.errors import DeliveryError
from publisher.issues.model import Issue
from publisher.mail import encoding
from publisher.mail.signed_addresses import LinkSigner, MailLinkKind, subscriber_url
from publisher.mail_limits import MIME_COLUMNS
from publisher.rendering import Digest, placeholders
from subscribers.addresses import readable_address
from subscribers.model import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMail:
    """A frozen digest, and what all messages of its issue share. `date` is the default Date, `mailbox` takes commands by mail.

    `has_web` says that subscribers' pages are answered, so that one-click unsubscribing may be announced.
    """

    publication: Publication
    issue: Issue
    subject: str
    html: str
    text: str
    date: datetime
    has_web: bool = True
    mailbox: str = ""
    list_title: str = ""

    @classmethod
    def of(cls, publication: Publication, issue: Issue, digest: Any, **others: Any) -> Self:
        """Return the mail of a digest, or of a row that has the subject and both parts of one."""
        date = issue.assembled_at or issue.due_at
        texts = {name: getattr(digest, name) for name in ("subject", "html", "text")}
        return cls(publication=publication, issue=issue, date=date, **texts, **others)

    @property
    def language(self) -> str:
        return self.issue.language


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionMail:
    """A mail about a subscription, to one recipient.

    `values` are the texts of its placeholders, without those that come from the recipient. `name` is the part of the
    Message-ID before the @. `unsubscribe`, a token, is offered as a URL below `unsubscribe_page`, if given, and by
    mail.
    """

    publication: Publication
    language: str
    digest: Digest
    date: datetime
    recipient: Recipient
    values: Mapping[str, str]
    name: str
    number: int
    reply_to: str = ""
    unsubscribe: str = ""
    unsubscribe_page: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message (RFC 5322). `name`, the part of the Message-ID before the @, is unique and safe in a file name."""

    subscriber_id: int
    name: str
    content: bytes


_JOINERS = "\u200c\u200d "  # joiners and blanks show nothing by themselves

PlaceholderText = Callable[[Recipient], str]
_PersonalValue = Callable[[Recipient], bytes]

_LINK_KINDS: dict[str, MailLinkKind] = {
    placeholders.UNSUBSCRIBE_PLACEHOLDER: "unsubscribe",
    placeholders.PREFERENCES_PLACEHOLDER: "preferences",
    placeholders.WEB_PLACEHOLDER: "web",
}
_TEXTS: dict[str, PlaceholderText] = {
    placeholders.NAME_PLACEHOLDER: attrgetter("name"),
    placeholders.ADDRESS_PLACEHOLDER: lambda recipient: readable_address(recipient.address),
    placeholders.LANGUAGE_PLACEHOLDER: attrgetter("language"),
    placeholders.TIMEZONE_PLACEHOLDER: lambda recipient: recipient.timezone or "",
}


def printable_line(text: str) -> str:
    if text.isprintable():
        return text.strip()
    line = encoding.single_line(
        placeholders.INVISIBLE_CHARACTERS.sub("", encoding.single_line(text))
    )
    return line if line.strip(_JOINERS) else ""


def placeholder_text(placeholder: placeholders.Placeholder) -> PlaceholderText:
    text, fallback = _TEXTS.get(placeholder.token), printable_line(placeholder.otherwise)
    if text is None:  # one of another kind of mail: it stays, for the gate to find
        return lambda _recipient: str(placeholder)
    return lambda recipient: printable_line(text(recipient)) or fallback


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """The values that an issue's mail needs of each recipient, each of them once."""

    mail: IssueMail
    secret: str = field(repr=False)
    _values: list[_PersonalValue] = field(default_factory=list)
    _numbers: dict[MailLinkKind | tuple[placeholders.Placeholder, bool], int] = field(
        default_factory=dict
    )

    def values_for(self, recipient: Recipient) -> list[bytes]:
        return [value(recipient) for value in self._values]

    def link_signer(self, kind: MailLinkKind) -> LinkSigner:
        newsletter = DigestKey.parse(self.mail.issue.newsletter).newsletter
        return LinkSigner(self.secret, kind, newsletter)

    def link(self, kind: MailLinkKind) -> tuple[str, int]:
        signer = self.link_signer(kind)
        url = subscriber_url(self.mail.publication, self.mail.issue, kind)

        def token(recipient: Recipient) -> bytes:
            return signer.token(recipient.id, recipient.generation)

        return url, self._number(kind, token)

    def body_pieces(self, text: str, *, is_html: bool) -> Iterator[bytes | int]:
        """Yield a body cut at its values: fixed text as UTF-8, and the numbers of values."""
        fixed = ""
        for piece in placeholders.split_at_placeholders(text):
            if isinstance(piece, str) or piece.token not in {*_LINK_KINDS, *_TEXTS}:
                fixed += str(piece)
                continue
            if piece.is_link:
                url, number = self.link(_LINK_KINDS[piece.token])
                fixed += html.escape(url) if is_html else url
            else:
                number = self._text_number(piece, is_html=is_html)
            if fixed:
                yield fixed.encode()
            yield number
            fixed = ""
        if fixed:
            yield fixed.encode()

    def _text_number(self, placeholder: placeholders.Placeholder, *, is_html: bool) -> int:
        text = placeholder_text(placeholder)
        if is_html:
            return self._number(
                (placeholder, True), lambda recipient: html.escape(text(recipient)).encode()
            )
        return self._number((placeholder, False), lambda recipient: text(recipient).encode())

    def _number(
        self, key: MailLinkKind | tuple[placeholders.Placeholder, bool], value: _PersonalValue
    ) -> int:
        number = self._numbers.setdefault(key, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number


# Google's Feedback-ID wants a sender's id of 5 to 15 characters that never changes.
_SENDER_ID = (5, 15)
# A display name that needs neither quotes nor encoding. Without `=` and `?`, which make encoded words.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_AROUND = 7  # characters of `To: `, a space and two brackets
_LARGEST_ID = 2**63 - 1  # the largest id that the database can hold: its token is the longest


def message_id_local_part(secret: str, issue: Issue, subscriber_id: int) -> str:
    """Return what stands before the @ in the Message-ID. It is equal on every attempt."""
    return MessageNames(secret, issue).name_for(subscriber_id)


class MessageNames:
    """The names of an issue's messages. Nobody without the secret can guess one."""

    def __init__(self, secret: str, issue: Issue) -> None:
        self._hmac = hmac.new(secret.encode(), f"{issue.name}\n".encode(), "sha256")
        self._issue_name = issue.name

    def name_for(self, subscriber_id: int) -> str:
        signature = self._hmac.copy()
        signature.update(b"%d" % subscriber_id)
        return f"{self._issue_name}.{signature.hexdigest()[:24]}"


class MessageHeader:
    """A header whose shared fields are encoded already."""

    def __init__(self, values: PersonalValues, boundary: str) -> None:
        mail = values.mail
        sender = mail.publication.sender_in(mail.language)
        self._from = _shared_field("From", encoding.encode_mailbox(sender.name, sender.address))
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
        and encoding.PLAIN_ADDRESS.fullmatch(address)
    ):
        return f"To: {name} <{address}>\r\n".encode("ascii")
    try:
        return encoding.encode_field("To", encoding.encode_mailbox(name, address))
    except (ValueError, DeliveryError):
        # Without the address, since errors are logged.
        raise DeliveryError(
            f"subscriber {recipient.id} can't be written to: no message can hold this name and "
            "address; correct them with an import"
        ) from None


class _Subject:
    def __init__(self, subject: str) -> None:
        link = next(
            (slot for slot in placeholders.find_placeholders(subject) if slot.is_link), None
        )
        if link:
            raise DeliveryError(f"Subject can't hold a subscriber's link, {link}")
        try:
            self._shared = encoding.encode_field("Subject", encoding.encode_text(subject))
        except UnicodeEncodeError:
            problem = "the subject holds half a surrogate pair"
            raise DeliveryError(f"no message can be written: {problem}") from None
        self._parts: list[str | PlaceholderText] = [
            placeholder_text(part) if isinstance(part, placeholders.Placeholder) else part
            for part in placeholders.split_at_placeholders(subject)
        ]
        self._is_shared = all(isinstance(part, str) for part in self._parts)

    def field_for(self, recipient: Recipient) -> bytes:
        if self._is_shared:
            return self._shared
        parts = (part if isinstance(part, str) else part(recipient) for part in self._parts)
        return encoding.encode_field("Subject", encoding.encode_text("".join(parts)))


class _ListUnsubscribe:
    """List-Unsubscribe: an https link, then a mailto link with the token as subject (RFC 2369 section 3.2, RFC 8058)."""

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
    path = urls.issue_path(issue.language, issue.newsletter, issue.day, issue.suffix)
    if mail.has_web:
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    number = f"{issue.newsletter}.{issue.language.lower()}.{publication.host}"
    yield "List-Id", encoding.encode_named(mail.list_title, number)
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
    return encoding.encode_field("Date", format_datetime(date.astimezone(UTC)))


def _shared_field(name: str, value: str) -> bytes:
    """Return a field that all messages share. Raise DeliveryError for a personal value in it."""
    if any(placeholders.find_placeholders(value)):
        raise DeliveryError(f"{name} can't hold a subscriber's value, as in {value!r}")
    return encoding.encode_field(name, value)
