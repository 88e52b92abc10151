"""The mail that the gate checks: the bytes that a recipient's server receives, taken apart."""

from __future__ import annotations

import email
import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from functools import cached_property
from typing import TYPE_CHECKING

from publisher.gate.html_document import HtmlDocument, clip_text

if TYPE_CHECKING:
    from publisher.rendering.model import StoryText

# Characters of a title: enough to find the story.
_TITLE = 48
_FOLD = re.compile(r"\r?\n(?=[ \t])")


# Compared by identity: the document holds lxml elements that belong to one parsed message.
@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedMail:
    """One complete message, and what it should contain.

    `content` is the message as SMTP carries it (RFC 5322), addressed to a sample recipient.
    `language` is the edition's; `hosts` serve the publication's images; `preheader` is the first
    line; `address` is the postal address, empty if there is none. Both parts must contain the
    passages of all `stories` unchanged and in order. `quoted` are further texts
    that people wrote (names, sections, other titles): what looks like a template's leftover in
    them is not one. A mail about a subscription, `is_about_subscription`, need not offer to
    unsubscribe: it asks for a confirmation, or says that the subscriber has left.
    """

    content: bytes
    language: str
    hosts: frozenset[str]
    preheader: str
    address: str = ""
    stories: tuple[StoryText, ...] = field(default=())
    quoted: tuple[str, ...] = ()
    is_about_subscription: bool = False

    @cached_property
    def message(self) -> Message:
        """The parsed message; malformed fields are kept as they are."""
        return email.message_from_bytes(self.content)

    def header(self, name: str) -> str:
        """Return a field's value, unfolded and not decoded; empty if there is no such field."""
        return _FOLD.sub("", str(self.message.get(name, ""))).strip()

    def decoded_header(self, name: str) -> str:
        """Return a field's value, unfolded and decoded; empty if there is no such field."""
        return decode_words(self.header(name))

    @cached_property
    def written_by_people(self) -> str:
        """All texts of the mail that people wrote, one per line."""
        passages = [passage for story in self.stories for passage in story.passages]
        return "\n".join((*passages, *self.quoted))

    @cached_property
    def html_part(self) -> Message | None:
        """The HTML part as it is sent."""
        return self._part("text/html")

    @cached_property
    def html(self) -> str:
        """The decoded HTML part, empty if there is none."""
        return _decoded(self.html_part)

    @cached_property
    def text(self) -> str:
        """The decoded text part, empty if there is none."""
        return _decoded(self._part("text/plain"))

    @cached_property
    def document(self) -> HtmlDocument:
        """The parsed HTML part."""
        return HtmlDocument(self.html)

    def _part(self, kind: str) -> Message | None:
        for part in self.message.walk():
            if part.get_content_type() == kind and (
                part.get_content_disposition() != "attachment"
            ):
                return part
        return None


def decode_words(value: str) -> str:
    """Decode encoded words (RFC 2047); what can't be decoded stays as it is."""
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, MessageError):
        return value


def _decoded(part: Message | None) -> str:
    """Return a part's text; bytes that its charset can't decode become U+FFFD."""
    content = part.get_payload(decode=True) if part is not None else b""
    if part is None or not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):  # an unknown charset, or one that is not for text
        return content.decode(errors="replace")


def story_name(story: StoryText) -> str:
    """Return a story's title and language, or its address if it has no words."""
    titles = [p for p in story.passages if any(c.isprintable() and c != " " for c in p)]
    title = titles[0] if titles else story.url
    return f"“{clip_text(title, _TITLE)}” ({story.language})"
