"""The first line of a mail (preheader), which inboxes show beside its subject.

It is the first text of the HTML part, whether it is visible in the mail or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

from lxml import etree

from publisher.gate.findings import Finding, html_error, html_warning
from publisher.gate.html_document import clip_text, element_name, line_of
from publisher.gate.mail import CheckedMail
from publisher.gate.text_layout import column_width
from publisher.gate.visible_text import TextPiece, camouflage

# Columns that inboxes show, from a phone to a wide window.
_COLUMNS = range(40, 131)

_MISSING = html_error(
    code="preheader-missing",
    fix="put the first line before all other text of the mail",
    why="Inboxes show the first text of a mail, even 'View in browser'.",
)
_HIDDEN = html_error(
    code="preheader-hidden",
    fix="show the first line in the mail as well",
    why="Google's sender guidelines forbid hidden content; filters count tiny and camouflaged "
    "text as spam.",
)
_LENGTH = html_warning(
    code="preheader-length",
    fix=f"write {_COLUMNS.start} to {_COLUMNS.stop - 1} columns; a Chinese character takes two",
    why="Inboxes fill a short one with the text that follows, and cut a long one.",
)
_REPEATED = html_warning(
    code="preheader-repeats",
    fix="write something into the first line that the subject does not say",
    why="Inboxes show the two side by side.",
)
RULES = (_MISSING, _HIDDEN, _LENGTH, _REPEATED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the first text of the HTML part."""
    text, element, hidden_by = _first_line(mail.document.text_pieces)
    if element is None:
        yield _MISSING.finding("the HTML part has no text", where="body")
        return
    where, line = element_name(element), line_of(element)
    wanted = mail.preheader or text
    if not _without_spaces(text).startswith(_without_spaces(wanted)):
        problem = f"the first text is “{clip_text(text)}”, not “{clip_text(wanted)}”"
        yield _MISSING.finding(problem, where=where, line=line)
    if reason := hidden_by or camouflage(element):
        yield _HIDDEN.finding(f"it is hidden by {reason}", where=where, line=line)
    if (width := column_width(" ".join(wanted.split()))) not in _COLUMNS:
        yield _LENGTH.finding(f"it takes {width} columns", where=where, line=line)
    if _without_spaces(wanted) == _without_spaces(mail.decoded_header("Subject")):
        yield _REPEATED.finding("it repeats the subject", where=where, line=line)


def _first_line(
    pieces: Iterable[TextPiece],
) -> tuple[str, etree._Element | None, str | None]:
    """Return the text of the first block, the element where it begins, and what hides it."""
    found = iter(pieces)
    first = next((piece for piece in found if piece.text.strip()), None)
    if first is None:
        return "", None, None
    rest = takewhile(lambda piece: piece.element is not None, found)
    text = first.text + "".join([piece.text for piece in rest])
    return " ".join(text.split()), first.element, first.hidden_by


def _without_spaces(text: str) -> str:
    return "".join(text.split())
