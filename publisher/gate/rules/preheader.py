"""The first line of a mail, which inboxes show beside its subject.

It is the first text of the HTML part, whether readers of the mail see it or not. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from lxml import etree

from publisher.gate import visible_text
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.header_fields import decode_words, fields_named, header_fields
from publisher.gate.html_document import clip_text, line, named
from publisher.gate.mail import CheckedMail
from publisher.gate.text_layout import columns

# What inboxes show, from a phone to a wide window.
COLUMNS = range(40, 131)

MISSING = Rule(
    code="preheader-missing",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="let the first text of the mail be its first line, and nothing stand before it",
    why="Inboxes show the first text that they find, be it 'View in browser'.",
)
HIDDEN = Rule(
    code="preheader-hidden",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="show the first line to readers as well",
    why="Google's guidelines for senders forbid hidden content; filters count tiny and "
    "camouflaged letters as spam.",
)
LENGTH = Rule(
    code="preheader-length",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix=f"write {COLUMNS.start} to {COLUMNS.stop - 1} columns; a Chinese character takes two",
    why="A shorter one is filled up with what comes next, a longer one is cut.",
)
REPEATED = Rule(
    code="preheader-repeats",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="say in the first line what the subject does not",
    why="Inboxes show the two side by side.",
)
RULES = (MISSING, HIDDEN, LENGTH, REPEATED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look at the first text of the HTML part."""
    said, element, hidden = first_line(mail.tree)
    if element is None:
        yield MISSING.broken("the HTML part has no text", where="body")
        return
    where, number = named(element), line(element)
    wanted = mail.preheader or said
    if not squeezed(said).startswith(squeezed(wanted)):
        problem = f"the first text is “{clip_text(said)}”, not “{clip_text(wanted)}”"
        yield MISSING.broken(problem, where=where, line=number)
    if reason := hidden or visible_text.camouflage(element):
        yield HIDDEN.broken(f"it is hidden by {reason}", where=where, line=number)
    if (width := columns(" ".join(wanted.split()))) not in COLUMNS:
        yield LENGTH.broken(f"it takes {width} columns", where=where, line=number)
    subjects = fields_named(header_fields(mail.content), "Subject")
    if squeezed(wanted) in {squeezed(decode_words(subject.value)) for subject in subjects}:
        yield REPEATED.broken("it is the subject again", where=where, line=number)


def first_line(tree: etree._Element) -> tuple[str, etree._Element | None, str | None]:
    """Give the first block's text, the element that it begins in, and what hides it."""
    found = iter(visible_text.pieces(tree))
    first = next((piece for piece in found if piece.text.strip()), None)
    if first is None:
        return "", None, None
    rest = takewhile(lambda piece: piece.element is not None, found)
    text = first.text + "".join(piece.text for piece in rest)
    return " ".join(text.split()), first.element, first.hidden


def squeezed(text: str) -> str:
    """Take out white space, which is laid out anew in a mail."""
    return "".join(text.split())
