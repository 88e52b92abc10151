"""Which cause a reply means: codes of RFC 5321 and RFC 3463, and the big providers' own. Pure.

Looked up in this order: enhanced codes that mean one thing only, the server's words without the
addresses in them, enhanced codes that mean much, bare codes. The providers' codes are from their
pages for senders, of 2026: Gmail's "SMTP errors and codes", Yahoo's "SMTP Error Codes", Exchange
Online's "NDR codes", iCloud's "Postmaster information".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.delivery.smtp.bounces import categories
from publisher.delivery.smtp.bounces.categories import BounceCategory
from publisher.delivery.smtp.bounces.patterns import ADDRESS, LONG, MANY, SAID, SENDER, UNSURE
from publisher.delivery.smtp.redact import LOOKED_AT
from publisher.delivery.smtp.replies import SmtpPhase, SmtpReply

# X.Y.Z without its class: what the reply's own code says of for now or for good is what counts.
CLEAR: Mapping[str, BounceCategory] = {
    "1.2": categories.NO_DOMAIN,
    "1.3": categories.BAD_ADDRESS,
    "1.4": categories.BAD_ADDRESS,
    "1.7": categories.SENDER_REFUSED,
    "1.8": categories.SENDER_REFUSED,
    # RFC 7505 means a domain that takes no mail, Microsoft a mailbox that it does not know.
    "1.10": categories.NO_MAILBOX,
    "2.2": categories.FULL,
    "2.3": categories.TOO_LARGE,
    "2.252": categories.NOT_OURS,
    "3.4": categories.TOO_LARGE,
    "7.10": categories.TLS_NEEDED,
    "7.20": categories.NO_DKIM,
    "7.21": categories.NO_DKIM,
    "7.22": categories.NOT_ALIGNED,
    "7.23": categories.NO_SPF,
    "7.24": categories.NO_SPF,
    "7.25": categories.NO_PTR,
    "7.26": categories.UNPROVEN,
    "7.27": categories.NO_SPF,
    "7.28": categories.TOO_FAST,
    "7.29": categories.NO_TLS,
    "7.30": categories.NO_DKIM,
    "7.31": categories.NO_DMARC,
    "7.32": categories.NOT_ALIGNED,
    "7.40": categories.NO_DMARC,
    "7.57": categories.LOGIN_NEEDED,
    "7.60": categories.NOT_OURS,
    "7.64": categories.NOT_RELAYED,
    "7.506": categories.HOST_REFUSED,
    "7.509": categories.UNPROVEN,
    "7.511": categories.BLOCKED,
    "7.513": categories.BLOCKED,
    "7.515": categories.UNPROVEN,
    "7.650": categories.TOO_FAST,
    "7.708": categories.BLOCKED,
}
# RFC 7372 and Gmail give 7.23 to different things; where it is for now, it is Gmail's.
PTR_FOR_NOW = "4.7.23"
# The server's own storage (RFC 3463 section 3.4), whatever it calls that.
SYSTEM_FULL = "3.1"
# Exchange Online's banned addresses.
BANNED = range(606, 650)

GENERAL: Mapping[str, BounceCategory] = {
    "1.1": categories.NO_MAILBOX,
    "1.6": categories.MOVED,
    "2.1": categories.SWITCHED_OFF,
    "3.2": categories.BUSY,
    "4.5": categories.BUSY,
    "7.8": categories.LOGIN_REFUSED,
    "7.9": categories.POLICY,
}
SUBJECTS: Mapping[str, BounceCategory] = {
    "1": categories.NOT_KNOWN,
    "2": categories.NOT_KNOWN,
    "3": categories.TROUBLE,
    "4": categories.NO_WAY,
    "5": categories.MISUNDERSTOOD,
    "6": categories.MALFORMED,
    "7": categories.POLICY,
}

BARE: Mapping[int, BounceCategory] = {
    421: categories.BUSY,
    450: categories.NOT_NOW,
    451: categories.NOT_NOW,
    452: categories.NOT_NOW,
    530: categories.LOGIN_NEEDED,
    534: categories.LOGIN_REFUSED,
    535: categories.LOGIN_REFUSED,
    538: categories.TLS_NEEDED,
    550: categories.NOT_KNOWN,
    551: categories.MOVED,
    552: categories.FULL,
    553: categories.BAD_ADDRESS,
    556: categories.NO_DOMAIN,
}
# Where a bare code means something else than about a recipient.
BARE_ELSEWHERE: Mapping[int, BounceCategory] = {
    550: categories.NOT_TAKEN,
    551: categories.NOT_TAKEN,
    552: categories.TOO_LARGE,
    553: categories.NOT_TAKEN,
}
MISUNDERSTANDINGS = range(500, 505)
CLOSING = 421
FOR_GOOD = 500

# Outlook.com, by any of its names, says of an unknown mailbox no more than RFC 5321 does.
MICROSOFT = re.compile(r"(?:.+\.)?(?:outlook|hotmail|live|msn|passport)(?:\.[a-z]{2,3}){1,2}")


def classify_reply(reply: SmtpReply, phase: SmtpPhase, domain: str = "") -> BounceCategory:
    """Say what a refusal means; `domain` is the recipient's."""
    status = reply.enhanced or ""
    text = ADDRESS.sub("@", reply.text[:LOOKED_AT].lower())
    cause = (
        _clear(status)
        or _session(reply, text)
        or _outlook(status, text, domain)
        or next((words.cause for words in SAID if words.tell(text, phase)), None)
        or _general(status)
        or _bare(reply.code, phase)
    )
    return _soft(cause, reply, phase, text)


def _clear(status: str) -> BounceCategory | None:
    if status == PTR_FOR_NOW:
        return categories.NO_PTR
    detail = status[2:]
    if detail.startswith("7.") and int(detail[2:]) in BANNED:
        return categories.BLOCKED
    return CLEAR.get(detail)


def _session(reply: SmtpReply, text: str) -> BounceCategory | None:
    """Say whether this is the end of a session; by itself, a timeout may be one of anything."""
    says_goodbye = reply.code == CLOSING or (reply.enhanced or "")[2:] == "4.2"
    is_over = MANY.search(text) or (says_goodbye and LONG.search(text))
    return categories.SESSION_OVER if is_over and reply.code < FOR_GOOD else None


def _outlook(status: str, text: str, domain: str) -> BounceCategory | None:
    is_theirs = MICROSOFT.fullmatch(domain.lower()) is not None
    if is_theirs and status == "5.5.0" and "mailbox unavailable" in text:
        return categories.NO_MAILBOX
    # A company's directory does not know the reader; now and then, for want of a directory.
    if status == "5.4.1" and "recipient address rejected" in text:
        return categories.NOT_KNOWN
    return None


def _general(status: str) -> BounceCategory | None:
    detail = status[2:]
    return GENERAL.get(detail) or SUBJECTS.get(detail.partition(".")[0])


def _bare(code: int, phase: SmtpPhase) -> BounceCategory:
    if code in MISUNDERSTANDINGS:
        return categories.MISUNDERSTOOD
    if phase is not SmtpPhase.RCPT and code in BARE_ELSEWHERE:
        return BARE_ELSEWHERE[code]
    return BARE.get(code, categories.NOT_TAKEN)


def _soft(
    cause: BounceCategory, reply: SmtpReply, phase: SmtpPhase, text: str
) -> BounceCategory:
    """Take back what can't be meant: a reader before her turn, death for now or by policy."""
    if phase is SmtpPhase.MAIL and cause.about is categories.BounceSubject.READER:
        return categories.SENDER_REFUSED if cause is not categories.FULL else categories.NOT_NOW
    detail = (reply.enhanced or "")[2:]
    if cause is categories.FULL and detail == SYSTEM_FULL:
        return categories.TROUBLE
    if not cause.is_dead_address:
        return cause
    if SENDER.search(text):
        return categories.SENDER_REFUSED
    is_unsure = reply.code < FOR_GOOD or detail.startswith("7.") or UNSURE.search(text)
    return categories.NOT_KNOWN if is_unsure else cause
