"""Build the message of a mail about a subscription. Pure: bytes out.

Such a mail goes to one person, so its placeholders are filled in first. Nobody without the secret
can guess its Message-ID: who answers it has read it.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from publisher.errors import DeliveryError
from publisher.mail.compiled import MultipartBody, dkim_of
from publisher.mail.dkim import DkimSigner
from publisher.mail.header_encoding import encode_field, encode_mailbox, encode_text
from publisher.mail.message import Message, SubscriptionMail
from publisher.mail.message_header import date_field, to_field
from publisher.mail.personalisation import placeholder_text, printable_line
from publisher.rendering.placeholders import Placeholder, split_at_placeholders

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
    mail: SubscriptionMail, signers: Sequence[DkimSigner] = ()
) -> Message:
    """Return the message. Raise DeliveryError for a name, address or text that no mail can hold."""
    boundary = f"=_{hashlib.sha256(mail.name.encode()).hexdigest()[:32]}"

    def pieces(text: str, *, is_html: bool) -> list[bytes | int]:
        return [_filled(mail, text, is_html=is_html).encode()]

    body = MultipartBody.compile(mail, pieces, boundary).filled(())
    try:
        lines = [*_fields(mail, boundary)]
    except UnicodeEncodeError:
        raise DeliveryError(
            f"notice {mail.number} can't be written: a field holds half a surrogate pair"
        ) from None
    if signers:
        lines.insert(0, dkim_of(signers, lines, body))
    return Message(mail.number, mail.name, b"".join((*lines, b"\r\n", *body)))


def _filled(mail: SubscriptionMail, text: str, *, is_html: bool) -> str:
    """Return a text with the recipient's values in it; unknown placeholders stay."""
    filled = []
    for piece in split_at_placeholders(text):
        if isinstance(piece, str):
            filled.append(piece)
        else:
            value = _value(mail, piece)
            filled.append(html.escape(value) if is_html else value)
    return "".join(filled)


def _value(mail: SubscriptionMail, placeholder: Placeholder) -> str:
    if placeholder.token in mail.values:
        return printable_line(mail.values[placeholder.token])
    if placeholder.is_link:
        return str(placeholder)
    return placeholder_text(placeholder)(mail.recipient)


def _fields(mail: SubscriptionMail, boundary: str) -> Iterator[bytes]:
    sender = mail.publication.sender_in(mail.language)
    subject = _filled(mail, mail.subject, is_html=False)
    yield encode_field("From", encode_mailbox(sender.name, sender.address))
    yield to_field(mail.recipient)
    if mail.reply_to:
        yield encode_field("Reply-To", encode_mailbox(sender.name, mail.reply_to))
    yield encode_field("Subject", encode_text(subject))
    yield date_field(mail.date)
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
    yield encode_field("Content-Language", mail.language)
