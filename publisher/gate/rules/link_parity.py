"""Whether both parts of a mail lead to the same places.

Whoever reads the text part must get everywhere that the HTML part leads, and be able to leave.
Knows no story's words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from publisher.gate import visible_text
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.header_fields import fields_named, header_fields
from publisher.gate.mail import CheckedMail
from publisher.gate.rules.stories import named

ADDRESS = re.compile(r"https?://[^\s<>\u2066-\u2069]+", re.IGNORECASE)
# What a sentence, or a bracket around it, may put behind an address.
TRAILING = ".,;:!?)]}'\"»”’。，、；：？！）」』】》…"
# Enough of them to find the rest.
NAMED = 3

STORY_IN_HTML = Rule(
    code="story-link-html",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="link each story to its address",
    why="A digest leads to its articles.",
)
STORY_IN_TEXT = Rule(
    code="story-link-text",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="write each story's address on a line of its own",
    why="A digest leads to its articles, in the text part too.",
)
LEAVING = Rule(
    code="unsubscribe-text",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="write the address at which readers leave, the one of List-Unsubscribe",
    why="Whoever reads the text part must be able to leave as easily (RFC 8058, and the law).",
)
ONLY_HTML = Rule(
    code="links-html-only",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="write these addresses in the text part too",
    why="Both parts say the same (RFC 2046 section 5.1.4); filters compare them.",
)
ONLY_TEXT = Rule(
    code="links-text-only",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="link to these addresses in the HTML part too",
    why="Both parts say the same (RFC 2046 section 5.1.4); filters compare them.",
)
RULES = (STORY_IN_HTML, STORY_IN_TEXT, LEAVING, ONLY_HTML, ONLY_TEXT)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Compare the addresses of both parts."""
    hrefs = {alike(a.get("href", "")) for a in mail.tree.iter("a")}
    linked = {href for href in hrefs if ADDRESS.match(href)}
    texts = addresses(mail.text)
    written = {url for pair in texts for url in pair}
    stories = {alike(story.url) for story in mail.stories}
    for rule, there in ((STORY_IN_HTML, linked), (STORY_IN_TEXT, written)):
        for story in mail.stories:
            if alike(story.url) not in there:
                yield rule.broken(f"nothing leads to {story.url}", where=named(story))
    leaving = _leaving(mail)
    for url in sorted(leaving - written):
        yield LEAVING.broken("it is not in the text part", where=url)
    shown = {url for pair in addresses(visible_text.visible_text(mail.tree)) for url in pair}
    there = linked | stories | shown
    only_text = {bare for whole, bare in texts if whole not in there and bare not in there}
    for rule, only in (
        (ONLY_HTML, linked - written - stories - leaving),
        (ONLY_TEXT, only_text),
    ):
        if only:
            yield rule.broken(f"{len(only)} of its links are only here", where=_named(only))


def alike(url: str) -> str:
    """Write addresses that lead to the same place alike: one part encodes them more than another."""
    return unicodedata.normalize("NFC", unquote(url.strip()))


def addresses(text: str) -> list[tuple[str, str]]:
    """Give the addresses in a text: as far as they may go, and without what a sentence adds."""
    found = [match[0] for match in ADDRESS.finditer(text)]
    return [(alike(url), alike(url.rstrip(TRAILING))) for url in found]


def _leaving(mail: CheckedMail) -> set[str]:
    values = (
        field.value
        for field in fields_named(header_fields(mail.content), "List-Unsubscribe")[:1]
    )
    return {alike(url) for value in values for url in re.findall(r"<(https:[^<>]*)>", value)}


def _named(urls: set[str]) -> str:
    first = sorted(urls)[:NAMED]
    return ", ".join(first) + (", …" if len(urls) > NAMED else "")
