"""A mail as the gate looks at it: the bytes that a reader's server gets, taken apart.

Knows no issue, no template and no setting: whoever asks says what the mail ought to carry.
"""

from __future__ import annotations

import email
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.policy import default
from functools import cached_property

from lxml import etree


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedStory:
    """A story as the mail ought to tell it.

    `passages` are its words in order, as the article has them (title, summary or body, block
    by block), plain text; both parts of the mail must hold them unchanged. `language` is the
    story's own.
    """

    language: str
    url: str
    passages: tuple[str, ...]


# Two that say the same are two: what is taken apart and kept of one holds that one's elements.
@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedMail:
    """One complete message, and what it ought to be.

    `content` is the message as SMTP carries it (RFC 5322), addressed to a sample reader.
    `language` is the edition's, `hosts` those from which the publication serves its pictures,
    `preheader` the first line as it was meant, `address` the publication's by post, empty where
    it has none. `quoted` are further words that people wrote (names, sections, other titles): what
    looks like a fault of a template in those is none.
    """

    content: bytes
    language: str
    hosts: frozenset[str]
    preheader: str
    address: str = ""
    stories: tuple[ExpectedStory, ...] = field(default=())
    quoted: tuple[str, ...] = ()

    @cached_property
    def message(self) -> EmailMessage:
        """The message as the standard library reads it."""
        return email.message_from_bytes(self.content, policy=default)

    @cached_property
    def told(self) -> str:
        """All that people wrote of what the mail says, a text a line."""
        passages = (passage for story in self.stories for passage in story.passages)
        return "\n".join((*passages, *self.quoted))

    @cached_property
    def html_part(self) -> Message | None:
        """The HTML part as it is sent."""
        return self._part("text/html")

    @cached_property
    def html(self) -> str:
        """The decoded HTML part, empty where there is none."""
        return _decoded(self.html_part)

    @cached_property
    def text(self) -> str:
        """The decoded text part, empty where there is none."""
        return _decoded(self._part("text/plain"))

    @cached_property
    def tree(self) -> etree._Element:
        """The HTML part parsed, with line numbers; an empty document where there is none."""
        # As bytes: an encoding that the document states for itself is then overruled.
        parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
        content = self.html.encode(errors="replace")
        tree: etree._Element | None = etree.fromstring(content, parser) if content else None
        return tree if tree is not None else etree.Element("html")

    def _part(self, kind: str) -> Message | None:
        # Not get_body() of the message above, whose policy stumbles over malformed headers.
        parts = email.message_from_bytes(self.content).walk()
        shown = (part for part in parts if part.get_content_disposition() != "attachment")
        return next((part for part in shown if part.get_content_type() == kind), None)


def _decoded(part: Message | None) -> str:
    """Give a part's text; what its charset can't decode becomes U+FFFD, which checks look for."""
    content = part.get_payload(decode=True) if part is not None else b""
    if part is None or not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):  # an unknown charset, or one that is no text's
        return content.decode(errors="replace")
