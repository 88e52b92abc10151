"""Compile an issue's mail once, then write one message per recipient. Pure: bytes out.

All text that messages share is encoded once, with room for a recipient's own values: writing a message only joins
bytes, some 20 µs each (`make bench`). The same mail, recipient and date give the same bytes on every attempt. Nobody
without the secret can guess the Message-ID of a mail about a subscription: who answers it has read it.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol
from urllib.parse import quote

from publisher.errors import DeliveryError
from publisher.languages import script
from publisher.mail import message
from publisher.mail.dkim import DkimSigner, dkim_fields
from publisher.mail.encoding import (
    Base64Part,
    QuotedPrintablePart,
    encode_field,
    encode_mailbox,
    encode_text,
)
from publisher.rendering import Digest
from publisher.rendering.placeholders import Placeholder, split_at_placeholders
from subscribers.model import Recipient

# In scripts that are mostly ASCII, quoted-printable is shorter; in all others base64 is.
_LATIN = frozenset({"Latn"})
# Octets that quoted-printable writes as three; it does so with all octets above ASCII, too.
_ESCAPED = (b"=", b"\t")
_NON_ASCII = bytes(range(128, 256))
# How much longer line ends make a part whose lines have 76 columns: in quoted-printable a soft
# break (`=`) and CRLF, in base64 CRLF.
_QUOTED_LINE_FACTOR = 78 / 75
_BASE64_FACTOR = 4 / 3 * 78 / 76

TransferEncoding = Literal["quoted-printable", "base64"]


class BodyCutter(Protocol):
    """Cuts a part at a recipient's values: fixed text as UTF-8, and the numbers of values."""

    def __call__(self, text: str, *, is_html: bool) -> Iterable[bytes | int]: ...


EncodedPart = QuotedPrintablePart | Base64Part
_PART_TYPES: dict[TransferEncoding, type[EncodedPart]] = {
    "quoted-printable": QuotedPrintablePart,
    "base64": Base64Part,
}


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """Both parts with their boundaries, the text first (RFC 2046 section 5.1.4)."""

    _opening: bytes
    _text: EncodedPart
    _between: bytes
    _html: EncodedPart
    _closing: bytes

    @classmethod
    def compile(
        cls, language: str, mail: message.IssueMail | Digest, pieces: BodyCutter, boundary: str
    ) -> MultipartBody:
        text_header, text = _compiled_part(language, mail.text, pieces, is_html=False)
        html_header, html = _compiled_part(language, mail.html, pieces, is_html=True)
        mark = b"--" + boundary.encode("ascii")
        return cls(
            mark + b"\r\n" + text_header,
            text,
            b"\r\n" + mark + b"\r\n" + html_header,
            html,
            b"\r\n" + mark + b"--\r\n",
        )

    def filled(self, values: Sequence[bytes]) -> list[bytes]:
        """Return all that follows the header's empty line, in segments to be joined."""
        text, html = self._text.filled(values), self._html.filled(values)
        return [self._opening, *text, self._between, *html, self._closing]


def _compiled_part(
    language: str, text: str, pieces: BodyCutter, *, is_html: bool
) -> tuple[bytes, EncodedPart]:
    subtype = "html" if is_html else "plain"
    try:
        encoding = choose_encoding(text, language)
        cut = [*pieces(_with_line_ends(text), is_html=is_html)]
    except UnicodeEncodeError:
        raise DeliveryError(
            f"no message can be written: the text/{subtype} part holds half a surrogate pair"
        ) from None
    header = (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return header.encode("ascii"), _PART_TYPES[encoding](cut)


def _with_line_ends(text: str) -> str:
    """End every line with LF, the last one too (RFC 2046 section 4.1.1)."""
    text = re.sub(r"\r\n?", "\n", text)
    return text if text.endswith("\n") else f"{text}\n"


def choose_encoding(text: str, language: str) -> TransferEncoding:
    """Return how to encode a part: quoted-printable, which people can read, where it is shorter, as in most Latin scripts."""
    if script(language) not in _LATIN:
        return "base64"
    content = text.encode()
    escaped = sum(content.count(octet) for octet in _ESCAPED)
    quoted = len(content) + 2 * (
        escaped + len(content) - len(content.translate(None, _NON_ASCII))
    )
    is_short = quoted * _QUOTED_LINE_FACTOR <= len(content) * _BASE64_FACTOR
    return "quoted-printable" if is_short else "base64"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CompiledMail:
    """An issue's mail, ready to be written to its recipients. Safe among threads."""

    _values: message.PersonalValues
    _names: message.MessageNames
    _corrected: message.MessageNames | None  # those of the issue that is corrected
    _header: message.MessageHeader
    _body: MultipartBody
    _signers: Sequence[DkimSigner]

    def message(self, recipient: Recipient, date: datetime) -> message.Message:
        name = self._names.name_for(recipient.id)
        try:
            values = self._values.values_for(recipient)
            lines = self._header.lines(recipient, name, date, values)
            if self._corrected:
                lines += self._header.reply_fields(self._corrected.name_for(recipient.id))
        except UnicodeEncodeError:
            raise DeliveryError(
                f"subscriber {recipient.id} can't be written to: the name or language on record "
                "holds half a surrogate pair, which is not text"
            ) from None
        body = self._body.filled(values)
        if self._signers:
            lines.insert(0, dkim_of(self._signers, lines, body))
        return message.Message(recipient.id, name, b"".join((*lines, b"\r\n", *body)))


def compile_mail(
    mail: message.IssueMail, secret: str, signers: Sequence[DkimSigner] = ()
) -> CompiledMail:
    values = message.PersonalValues(mail, secret)
    # Neither encoding of a part writes `=_`, so no part contains the boundary (RFC 2046 5.1.1).
    boundary = f"=_{hashlib.sha256(mail.issue.name.encode()).hexdigest()[:32]}"
    header = message.MessageHeader(values, boundary)
    body = MultipartBody.compile(mail.language, mail, values.body_pieces, boundary)
    names, issue = message.MessageNames(secret, mail.issue), mail.issue
    is_correction = issue.corrects_id is not None
    corrected = (
        message.MessageNames(secret, replace(issue, serial=0)) if is_correction else None
    )
    return CompiledMail(values, names, corrected, header, body, tuple(signers))


def compose_message(
    mail: message.IssueMail, recipient: Recipient, secret: str
) -> message.Message:
    return compile_mail(mail, secret).message(recipient, mail.date)


def dkim_of(
    signers: Sequence[DkimSigner], lines: Sequence[bytes], body: Sequence[bytes]
) -> bytes:
    parts = (line.partition(b":") for line in lines)
    fields = [(name, value.removesuffix(b"\r\n")) for name, _colon, value in parts]
    return dkim_fields(signers, fields, body)


_NAME = re.compile(r"notice\.(\d{1,18})\.([0-9a-f]{24})")


def notice_message_name(secret: str, number: int) -> str:
    """Return what stands before the @ in the Message-ID of a notice, on every attempt."""
    signature = hmac.new(secret.encode(), b"notice\n%d" % number, "sha256").hexdigest()
    return f"notice.{number}.{signature[:24]}"


def notices_of_message_ids(secret: str, text: str) -> Iterator[int]:
    """Yield the numbers of the notices whose Message-IDs stand in a text; forged ones are not."""
    for found in _NAME.finditer(text):
        number = int(found[1])
        if hmac.compare_digest(found[0], notice_message_name(secret, number)):
            yield number


def compose_subscription_message(
    mail: message.SubscriptionMail, signers: Sequence[DkimSigner] = ()
) -> message.Message:
    boundary = f"=_{hashlib.sha256(mail.name.encode()).hexdigest()[:32]}"

    def pieces(text: str, *, is_html: bool) -> list[bytes | int]:
        return [_filled(mail, text, is_html=is_html).encode()]

    body = MultipartBody.compile(mail.language, mail.digest, pieces, boundary).filled(())
    try:
        lines = [*_fields(mail, boundary)]
    except UnicodeEncodeError:
        raise DeliveryError(
            f"notice {mail.number} can't be written: a field holds half a surrogate pair"
        ) from None
    if signers:
        lines.insert(0, dkim_of(signers, lines, body))
    return message.Message(mail.number, mail.name, b"".join((*lines, b"\r\n", *body)))


def _filled(mail: message.SubscriptionMail, text: str, *, is_html: bool) -> str:
    filled = []
    for piece in split_at_placeholders(text):
        if isinstance(piece, str):
            filled.append(piece)
        else:
            value = _value(mail, piece)
            filled.append(html.escape(value) if is_html else value)
    return "".join(filled)


def _value(mail: message.SubscriptionMail, placeholder: Placeholder) -> str:
    if placeholder.token in mail.values:
        return message.printable_line(mail.values[placeholder.token])
    if placeholder.is_link:
        return str(placeholder)
    return message.placeholder_text(placeholder)(mail.recipient)


def _fields(mail: message.SubscriptionMail, boundary: str) -> Iterator[bytes]:
    sender = mail.publication.sender_in(mail.language)
    subject = _filled(mail, mail.digest.subject, is_html=False)
    yield encode_field("From", encode_mailbox(sender.name, sender.address))
    yield message.to_field(mail.recipient)
    if mail.reply_to:
        yield encode_field("Reply-To", encode_mailbox(sender.name, mail.reply_to))
    yield encode_field("Subject", encode_text(subject))
    yield message.date_field(mail.date)
    yield encode_field("Message-ID", f"<{mail.name}@{sender.domain}>")
    if mail.unsubscribe:
        mailbox = quote(mail.reply_to or sender.address, safe="@")
        mailto = f"<mailto:{mailbox}?subject=unsubscribe%20{mail.unsubscribe}>"
        page = f"<{mail.unsubscribe_page}?t={mail.unsubscribe}>, "
        yield encode_field(
            "List-Unsubscribe", f"{page if mail.unsubscribe_page else ''}{mailto}"
        )
        if mail.unsubscribe_page:
            yield encode_field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    yield encode_field("Auto-Submitted", "auto-generated")
    yield encode_field("X-Auto-Response-Suppress", "OOF, AutoReply")
    yield encode_field("MIME-Version", "1.0")
    yield encode_field("Content-Type", f'multipart/alternative; boundary="{boundary}"')
    yield encode_field("Content-Language", mail.digest.words or mail.language)
