"""What inboxes show of the header: the subject and the sender's name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from email.utils import parseaddr

from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.mail import CheckedMail, decode_words
from publisher.gate.text_layout import BIDI_OVERRIDES, bidi_fault, character_name

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
RULES = (_CONTROL, _DIRECTION, _REPLY_PREFIX)


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Check the subject and the sender's name."""
    subject = mail.decoded_header("Subject")
    sender = decode_words(parseaddr(mail.header("From"))[0])
    for name, text in (("From", sender), ("Subject", subject)):
        if control := next((c for c in text if unicodedata.category(c) == "Cc"), None):
            yield _CONTROL.finding(f"it contains {character_name(control)}", where=name)
        override = next(filter(BIDI_OVERRIDES.__contains__, text), None)
        fault = f"it contains {character_name(override)}" if override else bidi_fault(text)
        if fault:
            yield _DIRECTION.finding(fault, where=name)
    if found := _REPLY.match(subject):
        yield _REPLY_PREFIX.finding(f"it begins with {found[0].strip()!r}", where="Subject")
