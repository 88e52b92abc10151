"""What templates leave behind: places that nothing was filled in, values that are none.

What a story says in its own words is not residue: an article on templates may show one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import Page, at, clip_text, page
from publisher.gate.mail import CheckedMail

# Jinja and Liquid; our own tokens; Mailchimp; Salesforce and ERB.
MARKER = re.compile(
    r"\{\{[^{}]{0,200}(?:\}\})?|\{%[^{}]{0,200}(?:%\})?|\{#[^{}]{0,200}#\}"
    r"|@@[A-Z_]{2,40}@@|\*\|[A-Z0-9_:]{1,60}\|\*"
    r"|%%[A-Za-z_]{2,60}%%|<%[^<>]{0,200}%>"
)
# Percent-encoded, and so most likely by an author who tells of templates.
ENCODED = re.compile(r"%7[bB](?:%7[bB]|%25)")
# What a part lays out anew, sets for the direction of its lines, or lets lines break at.
LAID_OUT = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
# Of a place that is not closed, up to its first word; what follows may be the template's again.
OPENING = re.compile(r"\{[{%]\s*[^\s\u2069]*")
BEGINS = re.compile(r"[{%@*<]")
# The names that languages have for nothing, when they are all that there is.
NOTHING = frozenset({"none", "undefined", "null", "nan", "[object object]"})
SPOKEN = ("alt", "title", "aria-label", "summary")
LINKED = ("href", "src", "background", "style", "srcset")
SEGMENT = re.compile(r"(?:[/=])(None|undefined|NaN|%5Bobject%20Object%5D)(?=[/?&#]|$)")

UNFILLED = Rule(
    code="html-template",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="fill in the value, or take its place out of the template",
    why="Readers would get a piece of a template instead of what it stands for.",
)
NOWHERE = Rule(
    code="url-template",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="see whether the address is meant so; else mend the template",
    why="A value that was missing makes an address that leads nowhere.",
)
RULES = (UNFILLED, NOWHERE)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look for residue in texts, attributes and addresses."""
    told = squeezed(mail.told)
    seen = page(mail)
    yield from _texts(seen, told)
    for element in seen.elements:
        for name in SPOKEN:
            said = element.get(name, "")
            for problem in _faults(said, told):
                yield at(UNFILLED, element, f"{name}: {problem}")
        for name in LINKED:
            if found := MARKER.search(element.get(name, "")):
                yield at(UNFILLED, element, f"{name}: {clip_text(found[0])} was left over")
            elif found := ENCODED.search(element.get(name, "")):
                yield at(NOWHERE, element, f"{name}: the address holds {found[0]!r}")
        if found := SEGMENT.search(element.get("href") or element.get("src") or ""):
            yield at(NOWHERE, element, f"the address holds {found[1]!r}")


def _texts(seen: Page, told: str) -> Iterator[Finding]:
    for element in seen.elements:
        if element.tag in {"style", "script"}:
            continue
        pieces = [element.text, *(child.tail for child in element)]
        alone = len(element) == 0
        for piece in pieces:
            for problem in _faults(piece or "", told, alone=alone):
                yield at(UNFILLED, element, problem)


def _faults(text: str, told: str, *, alone: bool = True) -> Iterator[str]:
    if not text or text.isspace():
        return
    for found in MARKER.finditer(text) if BEGINS.search(text) else ():
        if not is_told(found[0], told):
            yield f"{clip_text(found[0])} was left over"
    if alone and text.strip().lower() in NOTHING and squeezed(text) not in told:
        yield f"{text.strip()!r} is all that it says"


def is_told(found: str, told: str) -> bool:
    """Tell whether people wrote what looks like a template's place; what they wrote is squeezed.

    One that is not closed is looked up by its first word: it may be cut (`…`), and what follows
    in its line need not be theirs.
    """
    if squeezed(found) in told:
        return True
    opening = OPENING.match(found)
    closed = found.endswith(("}}", "%}", "#}", "%>"))
    return bool(opening and not closed and squeezed(opening[0]).rstrip("…") in told)


def squeezed(text: str) -> str:
    """Take out what a mail lays out in its own way, and compose the rest."""
    return LAID_OUT.sub("", unicodedata.normalize("NFC", text))
