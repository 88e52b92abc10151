"""What inboxes show of a mail: sender, subject and first line (preheader).

The first line is the first text of the HTML part, whether it is visible in the mail or not.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from itertools import takewhile

from lxml import etree

from publisher.gate.findings import Finding, MailPart, Rule, Severity, html_error, html_warning
from publisher.gate.mail import (
    CheckedMail,
    TextPiece,
    camouflage,
    clip_text,
    decode_words,
    element_name,
    line_of,
)
from publisher.gate.passages import column_width
from publisher.i18n.messages import counted, message
from publisher.languages.bidi import BIDI_OVERRIDES, bidi_fault, character_name

# What mail clients put before replies and forwarded mails, in English, German, Chinese, Arabic.
_REPLY = re.compile(
    r"\s*(?:re|fwd?|aw|wg|回复|回覆|答复|答覆|转发|轉寄|轉發|رد|إعادة توجيه)"
    r"\s*(?:\[\d+\])?\s*[:：]",
    re.IGNORECASE,
)

_CONTROL = Rule(
    code="field-control",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="remove control characters and line breaks from the field",
    why="What follows a line break in a field becomes a field of its own (CWE-93).",
)
_DIRECTION = Rule(
    code="field-direction",
    severity=Severity.ERROR,
    part=MailPart.HEADERS,
    fix="close every isolate and embedding within the field, and use no overrides",
    why="What a subject leaves open changes the direction of the line in the inbox (UAX 9).",
)
_REPLY_PREFIX = Rule(
    code="subject-reply",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="begin the subject with something else than a reply or a forwarded mail",
    why="Google's sender guidelines forbid Re: and Fwd: in mails that are neither.",
)
_WORDS = Rule(
    code="field-words",
    severity=Severity.WARNING,
    part=MailPart.HEADERS,
    fix="end each encoded word but the last after a multiple of three bytes",
    why="Geary and others of GMime up to 3.2.13 end the text at the first padding (RFC 2045, 6.8).",
)
# An encoded word that ends with padding, and another one behind it (RFC 2047).
_PADDED = re.compile(r"=\?[^?\s]+\?[bB]\?[^?\s]+=\?=(?=\s+=\?)")
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
RULES = (_CONTROL, _DIRECTION, _REPLY_PREFIX, _WORDS, _MISSING, _HIDDEN, _LENGTH, _REPEATED)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the sender's name, the subject and the first text of the HTML part."""
    yield from _header(mail)
    yield from _preheader(mail)


def _header(mail: CheckedMail) -> Iterator[Finding]:
    subject = mail.decoded_header("Subject")
    sender = decode_words(parseaddr(mail.header("From"))[0])
    for name, text in (("From", sender), ("Subject", subject)):
        if control := next((c for c in text if unicodedata.category(c) == "Cc"), None):
            yield _CONTROL.finding(
                message("it contains %(control)s", control=character_name(control)), where=name
            )
        override = next(filter(BIDI_OVERRIDES.__contains__, text), None)
        fault = (
            message("it contains %(control)s", control=character_name(override))
            if override
            else bidi_fault(text)
        )
        if fault:
            yield _DIRECTION.finding(fault, where=name)
        if padded := _PADDED.search(mail.header(name)):
            yield _WORDS.finding(
                message("it contains %(control)s", control=padded[0]), where=name
            )
    if found := _REPLY.match(subject):
        yield _REPLY_PREFIX.finding(
            message("it begins with %(start)s", start=repr(found[0].strip())), where="Subject"
        )


def _preheader(mail: CheckedMail) -> Iterator[Finding]:
    text, element, hidden_by = _first_line(mail.document.text_pieces)
    if element is None:
        yield _MISSING.finding(message("the HTML part has no text"), where="body")
        return
    where, line = element_name(element), line_of(element)
    wanted = mail.preheader or text
    if not _without_spaces(text).startswith(_without_spaces(wanted)):
        problem = message(
            "the first text is “%(text)s”, not “%(wanted)s”",
            text=clip_text(text),
            wanted=clip_text(wanted),
        )
        yield _MISSING.finding(problem, where=where, line=line)
    if reason := hidden_by or camouflage(element):
        yield _HIDDEN.finding(
            message("it is hidden by %(reason)s", reason=reason), where=where, line=line
        )
    # A mail about a subscription says in a few words all that there is to say.
    is_short = (width := column_width(" ".join(wanted.split()))) < _COLUMNS.start
    if width not in _COLUMNS and not (is_short and mail.is_about_subscription):
        yield _LENGTH.finding(
            counted("it takes %(count)s column", "it takes %(count)s columns", width),
            where=where,
            line=line,
        )
    if _without_spaces(wanted) == _without_spaces(mail.decoded_header("Subject")):
        yield _REPEATED.finding(message("it repeats the subject"), where=where, line=line)


def _first_line(pieces: Iterable[TextPiece]) -> tuple[str, etree._Element | None, str | None]:
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
