"""Which cause a reply means: codes of RFC 5321 and RFC 3463, and the big providers' own. Pure.

Looked up in this order: enhanced codes that mean one thing only, the server's words without the
addresses in them, enhanced codes that mean much, bare codes. The providers' codes are from their
pages for senders, of 2026: Gmail's "SMTP errors and codes", Yahoo's "SMTP Error Codes", Exchange
Online's "NDR codes", iCloud's "Postmaster information".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from publisher.delivery.smtp import causes
from publisher.delivery.smtp.causes import Cause
from publisher.delivery.smtp.replies import Phase, Reply
from publisher.delivery.smtp.sayings import ADDRESS, LONG, MANY, SAID, SENDER, UNSURE
from publisher.delivery.smtp.words import LOOKED_AT

# X.Y.Z without its class: what the reply's own code says of for now or for good is what counts.
CLEAR: Mapping[str, Cause] = {
    "1.2": causes.NO_DOMAIN,
    "1.3": causes.BAD_ADDRESS,
    "1.4": causes.BAD_ADDRESS,
    "1.7": causes.SENDER_REFUSED,
    "1.8": causes.SENDER_REFUSED,
    # RFC 7505 means a domain that takes no mail, Microsoft a mailbox that it does not know.
    "1.10": causes.NO_MAILBOX,
    "2.2": causes.FULL,
    "2.3": causes.TOO_LARGE,
    "2.252": causes.NOT_OURS,
    "3.4": causes.TOO_LARGE,
    "7.10": causes.TLS_NEEDED,
    "7.20": causes.NO_DKIM,
    "7.21": causes.NO_DKIM,
    "7.22": causes.NOT_ALIGNED,
    "7.23": causes.NO_SPF,
    "7.24": causes.NO_SPF,
    "7.25": causes.NO_PTR,
    "7.26": causes.UNPROVEN,
    "7.27": causes.NO_SPF,
    "7.28": causes.TOO_FAST,
    "7.29": causes.NO_TLS,
    "7.30": causes.NO_DKIM,
    "7.31": causes.NO_DMARC,
    "7.32": causes.NOT_ALIGNED,
    "7.40": causes.NO_DMARC,
    "7.57": causes.LOGIN_NEEDED,
    "7.60": causes.NOT_OURS,
    "7.64": causes.NOT_RELAYED,
    "7.506": causes.HOST_REFUSED,
    "7.509": causes.UNPROVEN,
    "7.511": causes.BLOCKED,
    "7.513": causes.BLOCKED,
    "7.515": causes.UNPROVEN,
    "7.650": causes.TOO_FAST,
    "7.708": causes.BLOCKED,
}
# RFC 7372 and Gmail give 7.23 to different things; where it is for now, it is Gmail's.
PTR_FOR_NOW = "4.7.23"
# The server's own storage (RFC 3463 section 3.4), whatever it calls that.
SYSTEM_FULL = "3.1"
# Exchange Online's banned addresses.
BANNED = range(606, 650)

GENERAL: Mapping[str, Cause] = {
    "1.1": causes.NO_MAILBOX,
    "1.6": causes.MOVED,
    "2.1": causes.SWITCHED_OFF,
    "3.2": causes.BUSY,
    "4.5": causes.BUSY,
    "7.8": causes.LOGIN_REFUSED,
    "7.9": causes.POLICY,
}
SUBJECTS: Mapping[str, Cause] = {
    "1": causes.NOT_KNOWN,
    "2": causes.NOT_KNOWN,
    "3": causes.TROUBLE,
    "4": causes.NO_WAY,
    "5": causes.MISUNDERSTOOD,
    "6": causes.MALFORMED,
    "7": causes.POLICY,
}

BARE: Mapping[int, Cause] = {
    421: causes.BUSY,
    450: causes.NOT_NOW,
    451: causes.NOT_NOW,
    452: causes.NOT_NOW,
    530: causes.LOGIN_NEEDED,
    534: causes.LOGIN_REFUSED,
    535: causes.LOGIN_REFUSED,
    538: causes.TLS_NEEDED,
    550: causes.NOT_KNOWN,
    551: causes.MOVED,
    552: causes.FULL,
    553: causes.BAD_ADDRESS,
    556: causes.NO_DOMAIN,
}
# Where a bare code means something else than about a recipient.
BARE_ELSEWHERE: Mapping[int, Cause] = {
    550: causes.NOT_TAKEN,
    551: causes.NOT_TAKEN,
    552: causes.TOO_LARGE,
    553: causes.NOT_TAKEN,
}
MISUNDERSTANDINGS = range(500, 505)
CLOSING = 421
FOR_GOOD = 500

# Outlook.com, by any of its names, says of an unknown mailbox no more than RFC 5321 does.
MICROSOFT = re.compile(r"(?:.+\.)?(?:outlook|hotmail|live|msn|passport)(?:\.[a-z]{2,3}){1,2}")


def cause_of(reply: Reply, phase: Phase, domain: str = "") -> Cause:
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


def _clear(status: str) -> Cause | None:
    if status == PTR_FOR_NOW:
        return causes.NO_PTR
    detail = status[2:]
    if detail.startswith("7.") and int(detail[2:]) in BANNED:
        return causes.BLOCKED
    return CLEAR.get(detail)


def _session(reply: Reply, text: str) -> Cause | None:
    """Say whether this is the end of a session; by itself, a timeout may be one of anything."""
    says_goodbye = reply.code == CLOSING or (reply.enhanced or "")[2:] == "4.2"
    is_over = MANY.search(text) or (says_goodbye and LONG.search(text))
    return causes.SESSION_OVER if is_over and reply.code < FOR_GOOD else None


def _outlook(status: str, text: str, domain: str) -> Cause | None:
    is_theirs = MICROSOFT.fullmatch(domain.lower()) is not None
    if is_theirs and status == "5.5.0" and "mailbox unavailable" in text:
        return causes.NO_MAILBOX
    # A company's directory does not know the reader; now and then, for want of a directory.
    if status == "5.4.1" and "recipient address rejected" in text:
        return causes.NOT_KNOWN
    return None


def _general(status: str) -> Cause | None:
    detail = status[2:]
    return GENERAL.get(detail) or SUBJECTS.get(detail.partition(".")[0])


def _bare(code: int, phase: Phase) -> Cause:
    if code in MISUNDERSTANDINGS:
        return causes.MISUNDERSTOOD
    if phase is not Phase.RCPT and code in BARE_ELSEWHERE:
        return BARE_ELSEWHERE[code]
    return BARE.get(code, causes.NOT_TAKEN)


def _soft(cause: Cause, reply: Reply, phase: Phase, text: str) -> Cause:
    """Take back what can't be meant: a reader before her turn, death for now or by policy."""
    if phase is Phase.MAIL and cause.about is causes.About.READER:
        return causes.SENDER_REFUSED if cause is not causes.FULL else causes.NOT_NOW
    detail = (reply.enhanced or "")[2:]
    if cause is causes.FULL and detail == SYSTEM_FULL:
        return causes.TROUBLE
    if not cause.is_dead:
        return cause
    if SENDER.search(text):
        return causes.SENDER_REFUSED
    is_unsure = reply.code < FOR_GOOD or detail.startswith("7.") or UNSURE.search(text)
    return causes.NOT_KNOWN if is_unsure else cause
