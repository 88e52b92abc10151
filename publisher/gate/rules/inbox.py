"""What inboxes show of a mail: sender, subject and first line (preheader).

The first line is the first text of the HTML part, whether it is visible in the mail or not.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from itertools import takewhile

from lxml import etree

from publisher.gate.findings import Finding
from publisher.gate.mail import (
    CheckedMail,
    TextPiece,
    camouflage,
    clip_text,
    decode_words,
    finding,
    finding_of,
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

# An encoded word that ends with padding, and another one behind it (RFC 2047).
_PADDED = re.compile(r"=\?[^?\s]+\?[bB]\?[^?\s]+=\?=(?=\s+=\?)")
# Columns that inboxes show, from a phone to a wide window.
_COLUMNS = range(40, 131)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the sender's name, the subject and the first text of the HTML part."""
    yield from _header(mail)
    yield from _preheader(mail)


def _header(mail: CheckedMail) -> Iterator[Finding]:
    subject = mail.decoded_header("Subject")
    sender = decode_words(parseaddr(mail.header("From"))[0])
    for name, text in (("From", sender), ("Subject", subject)):
        if control := next((c for c in text if unicodedata.category(c) == "Cc"), None):
            yield finding(
                "field-control",
                name,
                "it contains %(control)s",
                control=character_name(control),
            )
        override = next(filter(BIDI_OVERRIDES.__contains__, text), None)
        fault = (
            message("it contains %(control)s", control=character_name(override))
            if override
            else bidi_fault(text)
        )
        if fault:
            yield finding_of("field-direction", name, fault)
        if padded := _PADDED.search(mail.header(name)):
            yield finding("field-words", name, "it contains %(control)s", control=padded[0])
    if found := _REPLY.match(subject):
        yield finding(
            "subject-reply", "Subject", "it begins with %(start)s", start=repr(found[0].strip())
        )


def _preheader(mail: CheckedMail) -> Iterator[Finding]:
    text, element, hidden_by = _first_line(mail.document.text_pieces)
    if element is None:
        yield finding("preheader-missing", "body", "the HTML part has no text")
        return
    wanted = mail.preheader or text
    if not _without_spaces(text).startswith(_without_spaces(wanted)):
        yield finding(
            "preheader-missing",
            element,
            "the first text is “%(text)s”, not “%(wanted)s”",
            text=clip_text(text),
            wanted=clip_text(wanted),
        )
    if reason := hidden_by or camouflage(element):
        yield finding("preheader-hidden", element, "it is hidden by %(reason)s", reason=reason)
    # A mail about a subscription says in a few words all that there is to say.
    is_short = (width := column_width(" ".join(wanted.split()))) < _COLUMNS.start
    if width not in _COLUMNS and not (is_short and mail.is_about_subscription):
        problem = counted("it takes %(count)s column", "it takes %(count)s columns", width)
        yield finding_of("preheader-length", element, problem)
    if _without_spaces(wanted) == _without_spaces(mail.decoded_header("Subject")):
        yield finding("preheader-repeats", element, "it repeats the subject")


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
