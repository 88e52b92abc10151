"""Whether both parts of a mail lead to the same addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from publisher.gate.findings import (
    Finding,
    html_error,
    html_warning,
    text_error,
    text_warning,
)
from publisher.gate.mail import CheckedMail, story_name

_ADDRESS = re.compile(r"https?://[^\s<>\u2066-\u2069]+", re.IGNORECASE)
_HTTPS = re.compile(r"<(https:[^<>]*)>")
# What a sentence or a bracket may put behind an address.
_TRAILING = ".,;:!?)]}'\"»”’。，、；：？！）」』】》…"
# Addresses that a finding names.
_NAMED = 3

_STORY_IN_HTML = html_error(
    code="story-link-html",
    fix="link each story to its address",
    why="A digest links to its articles.",
)
_STORY_IN_TEXT = text_error(
    code="story-link-text",
    fix="write each story's address on a line of its own",
    why="A digest links to its articles, in the text part too.",
)
_UNSUBSCRIBE = text_error(
    code="unsubscribe-text",
    fix="write the unsubscribe address, the one of List-Unsubscribe",
    why="People who read the text part must be able to unsubscribe too (RFC 8058, and the law).",
)
_ONLY_HTML = text_warning(
    code="links-html-only",
    fix="write these addresses in the text part too",
    why="Both parts must say the same (RFC 2046 section 5.1.4); filters compare them.",
)
_ONLY_TEXT = html_warning(
    code="links-text-only",
    fix="link to these addresses in the HTML part too",
    why="Both parts must say the same (RFC 2046 section 5.1.4); filters compare them.",
)
RULES = (_STORY_IN_HTML, _STORY_IN_TEXT, _UNSUBSCRIBE, _ONLY_HTML, _ONLY_TEXT)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare the addresses of both parts."""
    hrefs = [_normalised(a.get("href", "")) for a in mail.document.root.iter("a")]
    linked = {href for href in hrefs if _ADDRESS.match(href)}
    texts = _addresses(mail.text)
    written = {url for pair in texts for url in pair}
    stories = {story: _normalised(story.url) for story in mail.stories}
    for rule, there in ((_STORY_IN_HTML, linked), (_STORY_IN_TEXT, written)):
        for story, url in stories.items():
            if url not in there:
                yield rule.finding(f"nothing leads to {story.url}", where=story_name(story))
    unsubscribe = {_normalised(url) for url in _HTTPS.findall(mail.header("List-Unsubscribe"))}
    for url in sorted(unsubscribe - written):
        yield _UNSUBSCRIBE.finding("it is not in the text part", where=url)
    shown = {url for pair in _addresses(mail.document.visible_text) for url in pair}
    there = linked | set(stories.values()) | shown
    only_html = linked - written - set(stories.values()) - unsubscribe
    only_text = {bare for whole, bare in texts if whole not in there and bare not in there}
    for rule, only in ((_ONLY_HTML, only_html), (_ONLY_TEXT, only_text)):
        if only:
            yield rule.finding(f"{len(only)} of its links are only here", where=_names(only))


def _normalised(url: str) -> str:
    """Return an address in one form: one part percent-encodes more than the other."""
    return unicodedata.normalize("NFC", unquote(url.strip()))


def _addresses(text: str) -> list[tuple[str, str]]:
    """Return the addresses in a text, each whole and without what a sentence adds."""
    found = [match[0] for match in _ADDRESS.finditer(text)]
    return [(_normalised(url), _normalised(url.rstrip(_TRAILING))) for url in found]


def _names(urls: set[str]) -> str:
    first = sorted(urls)[:_NAMED]
    return ", ".join(first) + (", …" if len(urls) > _NAMED else "")
