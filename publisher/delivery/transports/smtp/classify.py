"""Return the bounce category of a reply. Pure.

Looked up in this order: enhanced codes with one meaning only (RFC 3463), the text without its
addresses, enhanced codes with several meanings, basic codes (RFC 5321). The providers' codes are
from their pages for senders, of 2026: Gmail's "SMTP errors and codes", Yahoo's "SMTP Error Codes",
Exchange Online's "NDR codes", iCloud's "Postmaster information".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.delivery import bounce_categories
from publisher.delivery.bounce_categories import BounceCategory, BounceSubject
from publisher.delivery.transports.smtp.patterns import (
    ABOUT_SENDER,
    EMAIL_ADDRESS,
    INCONCLUSIVE,
    MESSAGE_LIMIT,
    REPLY_PATTERNS,
    TIME_LIMIT,
)
from publisher.delivery.transports.smtp.redact import MAX_REPLY_TEXT
from publisher.delivery.transports.smtp.replies import SmtpPhase, SmtpReply

# X.Y.Z without its class: whether it is 4xx or 5xx follows from the reply's own code.
_SPECIFIC: Mapping[str, BounceCategory] = {
    "1.2": bounce_categories.NO_DOMAIN,
    "1.3": bounce_categories.BAD_ADDRESS,
    "1.4": bounce_categories.BAD_ADDRESS,
    "1.7": bounce_categories.SENDER_REFUSED,
    "1.8": bounce_categories.SENDER_REFUSED,
    # RFC 7505: a domain that accepts no mail. Microsoft: an unknown mailbox.
    "1.10": bounce_categories.NO_MAILBOX,
    "2.2": bounce_categories.MAILBOX_FULL,
    "2.3": bounce_categories.TOO_LARGE,
    "2.252": bounce_categories.NOT_OURS,
    "3.4": bounce_categories.TOO_LARGE,
    "7.10": bounce_categories.TLS_NEEDED,
    "7.20": bounce_categories.NO_DKIM,
    "7.21": bounce_categories.NO_DKIM,
    "7.22": bounce_categories.NOT_ALIGNED,
    "7.23": bounce_categories.NO_SPF,
    "7.24": bounce_categories.NO_SPF,
    "7.25": bounce_categories.NO_PTR,
    "7.26": bounce_categories.UNPROVEN,
    "7.27": bounce_categories.NO_SPF,
    "7.28": bounce_categories.TOO_FAST,
    "7.29": bounce_categories.NO_TLS,
    "7.30": bounce_categories.NO_DKIM,
    "7.31": bounce_categories.NO_DMARC,
    "7.32": bounce_categories.NOT_ALIGNED,
    "7.40": bounce_categories.NO_DMARC,
    "7.57": bounce_categories.LOGIN_NEEDED,
    "7.60": bounce_categories.NOT_OURS,
    "7.64": bounce_categories.NOT_RELAYED,
    "7.506": bounce_categories.HOST_REFUSED,
    "7.509": bounce_categories.UNPROVEN,
    "7.511": bounce_categories.BLOCKED,
    "7.513": bounce_categories.BLOCKED,
    "7.515": bounce_categories.UNPROVEN,
    "7.650": bounce_categories.TOO_FAST,
    "7.708": bounce_categories.BLOCKED,
}
# RFC 7372 and Gmail use X.7.23 for different things. With 4xx it is Gmail's.
_TEMPORARY_PTR = "4.7.23"
# The server's own storage (RFC 3463 section 3.4), whatever the text says.
_SYSTEM_FULL = "3.1"
# Exchange Online: banned addresses.
_BANNED = range(606, 650)

_GENERAL: Mapping[str, BounceCategory] = {
    "1.1": bounce_categories.NO_MAILBOX,
    "1.6": bounce_categories.MOVED,
    "2.1": bounce_categories.SWITCHED_OFF,
    "3.2": bounce_categories.BUSY,
    "4.5": bounce_categories.BUSY,
    "7.8": bounce_categories.LOGIN_REFUSED,
    "7.9": bounce_categories.POLICY,
}
_SUBJECTS: Mapping[str, BounceCategory] = {
    "1": bounce_categories.NOT_KNOWN,
    "2": bounce_categories.NOT_KNOWN,
    "3": bounce_categories.TROUBLE,
    "4": bounce_categories.NO_WAY,
    "5": bounce_categories.MISUNDERSTOOD,
    "6": bounce_categories.MALFORMED,
    "7": bounce_categories.POLICY,
}

# A login or TLS is required (RFC 4954 section 6), for any recipient.
LOGIN_CODES: Mapping[int, BounceCategory] = {
    530: bounce_categories.LOGIN_NEEDED,
    534: bounce_categories.LOGIN_REFUSED,
    535: bounce_categories.LOGIN_REFUSED,
    538: bounce_categories.TLS_NEEDED,
}
_BARE: Mapping[int, BounceCategory] = {
    421: bounce_categories.BUSY,
    450: bounce_categories.NOT_NOW,
    451: bounce_categories.NOT_NOW,
    452: bounce_categories.NOT_NOW,
    **LOGIN_CODES,
    550: bounce_categories.NOT_KNOWN,
    551: bounce_categories.MOVED,
    552: bounce_categories.MAILBOX_FULL,
    553: bounce_categories.BAD_ADDRESS,
    556: bounce_categories.NO_DOMAIN,
}
# Codes that mean something else in replies that are not to RCPT.
_BARE_NOT_RCPT: Mapping[int, BounceCategory] = {
    550: bounce_categories.NOT_TAKEN,
    551: bounce_categories.NOT_TAKEN,
    552: bounce_categories.TOO_LARGE,
    553: bounce_categories.NOT_TAKEN,
}
_SYNTAX_ERRORS = range(500, 505)
CLOSING = 421
PERMANENT = 500

# Outlook.com, under any of its names, replies to an unknown mailbox with a code of RFC 5321 only.
_MICROSOFT = re.compile(r"(?:.+\.)?(?:outlook|hotmail|live|msn|passport)(?:\.[a-z]{2,3}){1,2}")


def classify_reply(reply: SmtpReply, phase: SmtpPhase, domain: str = "") -> BounceCategory:
    """Return the category of a refusal. `domain` is the recipient's."""
    code = reply.enhanced or ""
    text = EMAIL_ADDRESS.sub("@", reply.text[:MAX_REPLY_TEXT].lower())
    category = (
        _by_specific_code(code)
        or _end_of_session(reply, text)
        or _by_microsoft(code, text, domain)
        or next((one.category for one in REPLY_PATTERNS if one.matches(text, phase)), None)
        or _by_general_code(code)
        or _by_basic_code(reply.code, phase)
    )
    return _without_overstatement(category, reply, phase, text)


def _by_specific_code(code: str) -> BounceCategory | None:
    if code == _TEMPORARY_PTR:
        return bounce_categories.NO_PTR
    detail = code[2:]
    if detail.startswith("7.") and int(detail[2:]) in _BANNED:
        return bounce_categories.BLOCKED
    return _SPECIFIC.get(detail)


def _end_of_session(reply: SmtpReply, text: str) -> BounceCategory | None:
    """Return SESSION_OVER if the server ends the session. A timeout alone may mean anything."""
    is_closing = reply.code == CLOSING or (reply.enhanced or "")[2:] == "4.2"
    is_over = MESSAGE_LIMIT.search(text) or (is_closing and TIME_LIMIT.search(text))
    return bounce_categories.SESSION_OVER if is_over and reply.code < PERMANENT else None


def _by_microsoft(code: str, text: str, domain: str) -> BounceCategory | None:
    is_microsoft = _MICROSOFT.fullmatch(domain.lower()) is not None
    if is_microsoft and code == "5.5.0" and "mailbox unavailable" in text:
        return bounce_categories.NO_MAILBOX
    # A company's directory has no such recipient; now and then, the directory is unavailable.
    if code == "5.4.1" and "recipient address rejected" in text:
        return bounce_categories.NOT_KNOWN
    return None


def _by_general_code(code: str) -> BounceCategory | None:
    detail = code[2:]
    return _GENERAL.get(detail) or _SUBJECTS.get(detail.partition(".")[0])


def _by_basic_code(code: int, phase: SmtpPhase) -> BounceCategory:
    if code in _SYNTAX_ERRORS:
        return bounce_categories.MISUNDERSTOOD
    if phase is not SmtpPhase.RCPT and code in _BARE_NOT_RCPT:
        return _BARE_NOT_RCPT[code]
    return _BARE.get(code, bounce_categories.NOT_TAKEN)


def _without_overstatement(
    category: BounceCategory, reply: SmtpReply, phase: SmtpPhase, text: str
) -> BounceCategory:
    """Replace a category that can't be meant: a recipient in reply to MAIL, a doubtful death."""
    if phase is SmtpPhase.MAIL and category.subject is BounceSubject.RECIPIENT:
        is_full = category is bounce_categories.MAILBOX_FULL
        return bounce_categories.NOT_NOW if is_full else bounce_categories.SENDER_REFUSED
    detail = (reply.enhanced or "")[2:]
    if category is bounce_categories.MAILBOX_FULL and detail == _SYSTEM_FULL:
        return bounce_categories.TROUBLE
    if not category.is_dead_address:
        return category
    if ABOUT_SENDER.search(text):
        return bounce_categories.SENDER_REFUSED
    is_unsure = reply.code < PERMANENT or detail.startswith("7.") or INCONCLUSIVE.search(text)
    return bounce_categories.NOT_KNOWN if is_unsure else category
