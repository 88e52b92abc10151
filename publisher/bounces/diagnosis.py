"""Decide what a server's words about a recipient mean. Pure.

Status and diagnostic text are put together to the reply that the reporting server got, and the
SMTP transport's own classification reads it. What reporting servers write themselves, for lack of
a reply, is in the patterns here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.bounces.model import BounceKind
from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory, BounceSubject
from publisher.delivery.transports.smtp.classify import classify_reply
from publisher.delivery.transports.smtp.patterns import EMAIL_ADDRESS
from publisher.delivery.transports.smtp.replies import SmtpPhase, SmtpReply

# Characters of a diagnostic that are read.
MAX_DIAGNOSTIC = 2_000
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
# A reply's code stands at the start, or after a server's name, a colon or a quote. Not 2xx: the
# part of a dialogue that went well.
_CODE = re.compile(
    r"(?:^|[;:\"'(>\]]\s*|\b(?:said|says|reply|response|error|code|returned|status)\W{1,3})"
    r"(?:SMTP\s?)?([45][0-9]{2})(?=[\s\-#:;.,)]|$)",
    re.IGNORECASE,
)
_ANY_CODE = re.compile(
    r"(?<![\d.\-/:])([45][0-5]\d)(?=[\s-])(?![\s-]*(?:second|minute|hour|day))"
)
_PHASES = (
    (
        re.compile(
            r"(?:reply to|after|response to|in) [\"']?mail from|sender was rejected",
            re.IGNORECASE,
        ),
        SmtpPhase.MAIL,
    ),
    (
        re.compile(
            r"end of data|after [\"']?data|to [\"']?data|message content", re.IGNORECASE
        ),
        SmtpPhase.DOT,
    ),
)
_TEMPORARY, _PERMANENT = "450", "554"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict with its cause and the status that it follows from."""

    kind: BounceKind
    cause: BounceCategory
    status: str


def diagnose_refusal(status: str, words: str, domain: str = "") -> Diagnosis:
    """Return what a status (RFC 3463, may be empty) and a diagnostic text mean."""
    text = " ".join(words[:MAX_DIAGNOSTIC].split())
    best = _best_status(status, text)
    code = _code_of(text, best)
    category = _own_words(text) or _category(code, best, text, domain)
    return Diagnosis(kind_of(category), category, best)


def kind_of(category: BounceCategory) -> BounceKind:
    """Return what a refusal of a category says of its recipient."""
    if category.is_dead_address:
        return BounceKind.DEAD
    about_us = {
        BounceSubject.MESSAGE,
        BounceSubject.RATE,
        BounceSubject.SENDER,
        BounceSubject.ACCOUNT,
        BounceSubject.QUOTA,
    }
    return BounceKind.BLOCKED if category.subject in about_us else BounceKind.SOFT


def _best_status(given: str, text: str) -> str:
    """Return the most specific status. The receiving server's own, in its text, goes first."""
    found = _STATUS.findall(EMAIL_ADDRESS.sub("@", text))
    known = [one for one in (*found, given) if one]
    specific = [one for one in known if not one.endswith((".0.0", ".0"))]
    return next(iter(specific or known), "")


def _code_of(text: str, status: str) -> str:
    found = _CODE.search(text) or _ANY_CODE.search(text)
    if found and (not status or status[0] == found[1][0]):
        return found[1]
    return _TEMPORARY if status.startswith("4") else _PERMANENT


def _category(code: str, status: str, text: str, domain: str) -> BounceCategory:
    phase = next((one for pattern, one in _PHASES if pattern.search(text)), SmtpPhase.RCPT)
    line = f"{code} {status} {text}\n" if status else f"{code} {text}\n"
    return classify_reply(SmtpReply(int(code), line.encode()), phase, domain)


_OWN_WORDS: tuple[tuple[BounceCategory, re.Pattern[str]], ...] = (
    (
        causes.NO_DOMAIN,
        re.compile(
            r"(?:host|domain)(?: or domain)?(?: name)? (?:\S+ )?(?:was |is )?(?:unknown|not found)"
            r"|no such (?:host|domain)|non-?existent (?:host|domain)|unknown (?:host|domain)"
            r"|domain (?:name )?(?:\S+ )?(?:does ?n[o']t exist|is invalid)|illegal host/domain"
            r"|can't find any host named|couldn't find (?:any|a)(?: \w+)* host",
            re.IGNORECASE,
        ),
    ),
)


def _own_words(text: str) -> BounceCategory | None:
    return next((category for category, pattern in _OWN_WORDS if pattern.search(text)), None)
