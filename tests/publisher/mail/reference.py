"""The same messages, composed by the standard library's `email`: slow, to compare ours with."""

import hashlib
import hmac
import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from itsdangerous import URLSafeSerializer
from itsdangerous.encoding import base64_encode

from publisher.mail import IssueMail
from publisher.mail.compose import choose_encoding
from publisher.mail.encoding import encode_mailbox, encode_text
from publisher.mail.message import feedback_id, printable_line
from subscribers.model import Recipient

PLACE = re.compile(
    r"@@(UNSUBSCRIBE|PREFERENCES|SUBSCRIBER_WEB|ADDRESS|SUBSCRIBER_LANGUAGE|SUBSCRIBER_NAME|SUBSCRIBER_TIMEZONE)@@"
    r"|@@(SUBSCRIBER_NAME|SUBSCRIBER_TIMEZONE)_OR@@((?:[0-9A-F]{2})*)@@"
)
OURS = re.compile(r"from|to|subject|list-.*|message-id|feedback-id|archived-at", re.IGNORECASE)


class WirePolicy(EmailPolicy):
    """CRLF, 7-bit, and our fields unfolded: the library folds them wrongly."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return (
            (name, value) if OURS.fullmatch(name) else super().header_store_parse(name, value)
        )

    def fold(self, name: str, value: Any) -> str:
        if not OURS.fullmatch(name):
            return str(super().fold(name, value))
        return (
            f"{name}: {value}".replace(" ", f"{self.linesep} ").replace(
                f":{self.linesep}", ":", 1
            )
            + self.linesep
        )

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


WIRE = WirePolicy(
    linesep="\r\n",
    max_line_length=76,
    cte_type="7bit",
    utf8=False,
    header_factory=HeaderRegistry(),
)


def compose(mail: IssueMail, recipient: Recipient, secret: str, date: datetime) -> bytes:
    """Return the whole message."""
    message = EmailMessage(WIRE)
    for name, value in _fields(mail, recipient, secret, date):
        message[name] = value
    for text, kind in ((mail.text, "plain"), (mail.html, "html")):
        filled = _filled(mail, recipient, secret, _whole_lines(text), is_html=kind == "html")
        add = message.set_content if kind == "plain" else message.add_alternative
        add(filled, subtype=kind, cte=choose_encoding(text, mail.issue.language))
    message["Content-Language"] = mail.issue.language
    message.set_boundary("=_boundary")
    return message.as_bytes()


def _fields(
    mail: IssueMail, recipient: Recipient, secret: str, date: datetime
) -> Iterator[tuple[str, str]]:
    publication, issue = mail.publication, mail.issue
    sender = publication.sender
    subject = _filled(mail, recipient, secret, mail.subject, is_html=False)
    seed = f"{issue.name}\n{recipient.id}".encode()
    digest = hmac.new(secret.encode(), seed, hashlib.sha256).hexdigest()
    leave = _link(mail, recipient, secret, "unsubscribe")
    token = leave.partition("?t=")[2]
    mailto = f"mailto:{quote(sender.address, safe='@')}?subject=unsubscribe%20{token}"
    page = f"{publication.url}/{issue.language}/{issue.newsletter}/{issue.day}/"
    yield "From", encode_mailbox(sender.name, sender.address)
    yield "To", encode_mailbox(printable_line(recipient.name), recipient.address)
    yield "Subject", encode_text(subject)
    yield "Date", format_datetime(date.astimezone(UTC))
    yield "Message-ID", f"<{issue.name}.{digest[:24]}@{sender.domain}>"
    yield "List-Unsubscribe", f"<{leave}>, <{mailto}>"
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Id", f"<{issue.newsletter}.{issue.language.lower()}.{publication.host}>"
    yield "Feedback-ID", feedback_id(publication, issue)
    yield "Archived-At", f"<{page}>"
    yield "Auto-Submitted", "auto-generated"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"
    yield "Precedence", "bulk"


def _link(mail: IssueMail, recipient: Recipient, secret: str, kind: str) -> str:
    publication, issue = mail.publication, mail.issue
    # As URLSafeSerializer does it, without its attempt to compress the payload.
    payload = base64_encode(f'[{recipient.id},"{issue.newsletter}",{recipient.generation},0]')
    signing = {"digest_method": hashlib.sha256}
    serializer = URLSafeSerializer(secret, salt=f"v2.{kind}", signer_kwargs=signing)
    token = f"v2.{serializer.make_signer().sign(payload).decode('ascii')}"
    page = f"{issue.newsletter}/{issue.day}" if kind == "web" else kind
    return f"{publication.url}/{issue.language}/{page}/?t={token}"


def _filled(
    mail: IssueMail, recipient: Recipient, secret: str, text: str, *, is_html: bool
) -> str:
    """Replace all placeholders in one pass, so that no value is searched for placeholders."""
    own = {
        "ADDRESS": recipient.address,
        "SUBSCRIBER_NAME": recipient.name,
        "SUBSCRIBER_LANGUAGE": recipient.language,
        "SUBSCRIBER_TIMEZONE": recipient.timezone or "",
        "UNSUBSCRIBE": _link(mail, recipient, secret, "unsubscribe"),
        "PREFERENCES": _link(mail, recipient, secret, "preferences"),
        "SUBSCRIBER_WEB": _link(mail, recipient, secret, "web"),
    }

    def value(found: re.Match[str]) -> str:
        otherwise = bytes.fromhex(found[3] or "").decode()
        text_value = printable_line(own[found[1] or found[2]]) or printable_line(otherwise)
        return html.escape(text_value) if is_html else text_value

    return PLACE.sub(value, text)


def _whole_lines(text: str) -> str:
    """End every line with LF, the last one too."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return lines if lines.endswith("\n") else f"{lines}\n"
