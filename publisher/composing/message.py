"""One reader's message: a frozen digest, her own links, and headers. Pure: bytes out.

The same issue and reader give the same bytes and the same Message-ID on every attempt. Knows
no ledger and no transport.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import quote

from publisher import urls
from publisher.composing import links
from publisher.composing.headers import WIRE, mailbox, words
from publisher.config import Publication
from publisher.issues.model import Issue
from publisher.languages import script
from publisher.rendering.tokens import PREFERENCES, READER_ADDRESS, UNSUBSCRIBE
from subscribers import Recipient

# Google's Feedback-ID asks for a sender of 5 to 15 characters that never changes.
SENDER_ID = (5, 15)
# Quoted-printable suits scripts that are mostly ASCII; base64 is shorter for all others.
LATIN = frozenset({"Latn"})
# Octets that take three in quoted-printable; those above ASCII do, too.
ESCAPED = (b"=", b"\t")
HIGH = bytes(range(128, 256))
# What the line ends add, of 76 columns: a soft break's sign, and CRLF.
SOFT_BREAKS = 78 / 75
BASE64 = 4 / 3 * 78 / 76


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An issue ready to be addressed: its frozen digest and what all its messages share."""

    publication: Publication
    issue: Issue
    subject: str
    html: str
    text: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message (RFC 5322) for one reader; `name` is unique and safe as a file's."""

    subscriber_id: int
    name: str
    content: bytes


def message_name(secret: str, issue: Issue, subscriber_id: int) -> str:
    """Give what comes before the @ in the Message-ID: equal on every attempt, and not guessable."""
    seed = f"{issue.name}\n{subscriber_id}".encode()
    digest = hmac.new(secret.encode(), seed, hashlib.sha256).hexdigest()
    return f"{issue.name}.{digest[:24]}"


def compose(letter: Letter, recipient: Recipient, secret: str) -> Message:
    """Write the message of one reader."""
    issue, publication = letter.issue, letter.publication
    name = message_name(secret, issue, recipient.id)
    reader = {
        kind: links.reader_url(
            publication,
            issue.language,
            kind,
            links.token(secret, kind, recipient.id, issue.newsletter),
        )
        for kind in ("unsubscribe", "preferences")
    }
    values = {
        UNSUBSCRIBE: reader["unsubscribe"],
        PREFERENCES: reader["preferences"],
        READER_ADDRESS: recipient.address,
    }
    message = EmailMessage(WIRE)
    _address(message, letter, recipient, name)
    _list_fields(message, letter, reader["unsubscribe"])
    _bodies(message, letter, values, name)
    return Message(recipient.id, name, message.as_bytes())


def _address(message: EmailMessage, letter: Letter, recipient: Recipient, name: str) -> None:
    sender = letter.publication.sender
    message["From"] = mailbox(sender.name, sender.address)
    message["To"] = mailbox(recipient.name, recipient.address)
    message["Subject"] = words(letter.subject)
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = f"<{name}@{sender.domain}>"


def _list_fields(message: EmailMessage, letter: Letter, unsubscribe: str) -> None:
    publication, issue = letter.publication, letter.issue
    sender = publication.sender.address
    path = urls.issue_path(issue.language, issue.newsletter, issue.day)
    list_id = f"{issue.newsletter}.{issue.language.lower()}.{publication.host}"
    mailto = f"mailto:{quote(sender, safe='@')}?subject=unsubscribe%20{issue.newsletter}"
    message["List-Unsubscribe"] = f"<{unsubscribe}>, <{mailto}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["List-Id"] = f"<{list_id}>"
    message["Feedback-ID"] = feedback_id(publication, issue)
    message["Archived-At"] = f"<{urls.absolute(publication, path)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message["Precedence"] = "bulk"


def feedback_id(publication: Publication, issue: Issue) -> str:
    """Give the value of Feedback-ID: issue, language, newsletter, sender; nothing of the reader."""
    shortest, longest = SENDER_ID
    host = re.sub(r"[^a-z0-9]", "", publication.host.lower())
    sender = host[:longest] if len(host) >= shortest else f"sender{host}"
    return f"{issue.day}:{issue.language}:{issue.newsletter}:{sender}"


def transfer_encoding(text: str, language: str) -> str:
    """Choose how a part is encoded (RFC 2045 section 6): quoted-printable where it is shorter.

    In Latin scripts it is, and can be read in the source; but Vietnamese has so many accents, and
    a page may hold so much of another script, that base64 is shorter there.
    """
    if script(language) not in LATIN:
        return "base64"
    content = text.encode()
    escaped = sum(content.count(octet) for octet in ESCAPED)
    quoted = len(content) + 2 * (escaped + len(content) - len(content.translate(None, HIGH)))
    return "quoted-printable" if quoted * SOFT_BREAKS <= len(content) * BASE64 else "base64"


def _bodies(message: EmailMessage, letter: Letter, values: dict[str, str], name: str) -> None:
    text, page = letter.text, letter.html
    for place, value in values.items():
        text = text.replace(place, value)
        page = page.replace(place, html.escape(value))
    language = letter.issue.language
    message.set_content(text, subtype="plain", cte=transfer_encoding(text, language))
    message.add_alternative(page, subtype="html", cte=transfer_encoding(page, language))
    # Only now: setting a body takes every Content-* field away.
    message["Content-Language"] = letter.issue.language
    message.set_boundary(f"=_{hashlib.sha256(name.encode()).hexdigest()[:32]}")
