"""Return the bounce category of a reply, by its codes and by phrases in its text. Pure.

In this order: enhanced codes with one meaning (RFC 3463), the text without addresses, enhanced codes with several,
basic codes (RFC 5321). `replies.toml` has them, the providers' from their pages for senders, of 2026: Gmail's "SMTP
errors and codes", Yahoo's "SMTP Error Codes", Exchange Online's "NDR codes", iCloud's "Postmaster information".
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from publisher.delivery import causes
from publisher.delivery.causes import REFUSALS, BounceCategory, BounceSubject
from publisher.delivery.transports.smtp.protocol import MAX_REPLY_TEXT, SmtpPhase, SmtpReply

# Addresses are removed before a search, because they may contain any phrase: spam@, daily@. A URL
# in angle brackets is not an address.
EMAIL_ADDRESS = re.compile(r'<(?![^<>]*://)[^<>]*>|[^\s<>()\[\],;:"@]*@[^\s<>()\[\],;:"]*')

# A phrase about a mailbox may mean ours: the sender's. No recipient is suppressed for that,
ABOUT_SENDER = re.compile(
    r"sender|\bmail from\b|\breturn[- ]?path|\breturn address|\breverse[- ]?path|originator"
    r"|\bfrom[: ]+(address|domain|header|user|account|mailbox)"
)
# nor for what a host could not find out, or for our host's identity.
INCONCLUSIVE = re.compile(
    r"\byour (mail |sending )?(host|ip|address|domain|server)|please log ?in"
    r"|\bdns\b|name service|\bip (address )?\S+ (has|is|does)"
    r"|loops? back|mail transport|unverified address|verification in progress"
)

# The server ends the session: after so many messages, or after so long.
MESSAGE_LIMIT = re.compile(
    r"max(imum)? (number of )?messages? per (connection|session)"
    r"|too many messages (in|on|for|per) (this |the |a |one )?(connection|session)"
)
TIME_LIMIT = re.compile(
    r"(timeout|idle).*clos|timeout exceeded|idle too long|connection expired"
)


_REPLIES = tomllib.loads(Path(__file__).with_name("replies.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class ReplyPattern:
    """A pattern that means a category, in replies to all commands, or to all but MAIL."""

    category: BounceCategory
    pattern: re.Pattern[str]
    not_to_mail: bool

    def matches(self, text: str, phase: SmtpPhase) -> bool:
        if self.not_to_mail and phase is SmtpPhase.MAIL:
            return False
        return self.pattern.search(text) is not None


# The first match counts.
_PATTERNS = [
    ReplyPattern(
        REFUSALS[row["cause"]], re.compile("|".join(row["patterns"])), "not_to_mail" in row
    )
    for row in _REPLIES["phrases"]
]


def _categories(kind: str) -> dict[str, BounceCategory]:
    return {code: REFUSALS[key] for code, key in _REPLIES[kind].items()}


# X.Y.Z without its class, and of `_SUBJECTS`, Y alone.
_SPECIFIC, _GENERAL = _categories("specific"), _categories("general")
_SUBJECTS = _categories("subjects")
_LOGIN, _NOT_RCPT = _categories("login"), _categories("basic_not_to_rcpt")
_BASIC = _categories("basic") | _LOGIN
LOGIN_CODES = frozenset(map(int, _LOGIN))  # a login or TLS is required, for any recipient
# RFC 7372 and Gmail use X.7.23 for different things. With 4xx it is Gmail's.
_TEMPORARY_PTR = "4.7.23"
_SYSTEM_FULL = "3.1"  # the server's own storage (RFC 3463 section 3.4), whatever the text says
_BANNED = range(606, 650)  # Exchange Online: banned addresses

_SYNTAX_ERRORS = range(500, 505)
CLOSING = 421
PERMANENT = 500

# Outlook.com, under any of its names, replies to an unknown mailbox with a code of RFC 5321 only.
_MICROSOFT = re.compile(r"(?:.+\.)?(?:outlook|hotmail|live|msn|passport)(?:\.[a-z]{2,3}){1,2}")


def classify_reply(reply: SmtpReply, phase: SmtpPhase, domain: str = "") -> BounceCategory:
    code = reply.enhanced or ""
    text = EMAIL_ADDRESS.sub("@", reply.text[:MAX_REPLY_TEXT].lower())
    category = (
        _by_specific_code(code)
        or _end_of_session(reply, text)
        or _by_microsoft(code, text, domain)
        or next((one.category for one in _PATTERNS if one.matches(text, phase)), None)
        or _GENERAL.get(code[2:])
        or _SUBJECTS.get(code[2:].partition(".")[0])
        or _by_basic_code(reply.code, phase)
    )
    return _without_overstatement(category, reply, phase, text)


def _by_specific_code(code: str) -> BounceCategory | None:
    if code == _TEMPORARY_PTR:
        return causes.NO_PTR
    detail = code[2:]
    if detail.startswith("7.") and int(detail[2:]) in _BANNED:
        return causes.BLOCKED
    return _SPECIFIC.get(detail)


def _end_of_session(reply: SmtpReply, text: str) -> BounceCategory | None:
    """Return SESSION_OVER if the server ends the session. A timeout alone may mean anything."""
    is_closing = reply.code == CLOSING or (reply.enhanced or "")[2:] == "4.2"
    is_over = MESSAGE_LIMIT.search(text) or (is_closing and TIME_LIMIT.search(text))
    return causes.SESSION_OVER if is_over and reply.code < PERMANENT else None


def _by_microsoft(code: str, text: str, domain: str) -> BounceCategory | None:
    is_microsoft = _MICROSOFT.fullmatch(domain.lower()) is not None
    if is_microsoft and code == "5.5.0" and "mailbox unavailable" in text:
        return causes.NO_MAILBOX
    # A company's directory has no such recipient; now and then, the directory is unavailable.
    if code == "5.4.1" and "recipient address rejected" in text:
        return causes.NOT_KNOWN
    return None


def _by_basic_code(code: int, phase: SmtpPhase) -> BounceCategory:
    if code in _SYNTAX_ERRORS:
        return causes.MISUNDERSTOOD
    name = str(code)
    if phase is not SmtpPhase.RCPT and name in _NOT_RCPT:
        return _NOT_RCPT[name]
    return _BASIC.get(name, causes.NOT_TAKEN)


def _without_overstatement(
    category: BounceCategory, reply: SmtpReply, phase: SmtpPhase, text: str
) -> BounceCategory:
    """Replace a category that can't be meant: a recipient in reply to MAIL, a doubtful death."""
    if phase is SmtpPhase.MAIL and category.subject is BounceSubject.RECIPIENT:
        is_full = category is causes.MAILBOX_FULL
        return causes.NOT_NOW if is_full else causes.SENDER_REFUSED
    detail = (reply.enhanced or "")[2:]
    if category is causes.MAILBOX_FULL and detail == _SYSTEM_FULL:
        return causes.TROUBLE
    if not category.is_dead_address:
        return category
    if ABOUT_SENDER.search(text):
        return causes.SENDER_REFUSED
    is_unsure = reply.code < PERMANENT or detail.startswith("7.") or INCONCLUSIVE.search(text)
    return causes.NOT_KNOWN if is_unsure else category
