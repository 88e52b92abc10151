"""Which cause a reply means: codes of RFC 5321 and RFC 3463, and the big providers' own. Pure.

Looked up in this order: enhanced codes that mean one thing only, the server's words, enhanced
codes that mean much, bare codes. The providers' codes are from their pages for senders, of 2026:
Gmail's "SMTP errors and codes", Yahoo's "SMTP Error Codes", Exchange Online's "NDR codes",
iCloud's "Postmaster information".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.delivery.smtp import causes
from publisher.delivery.smtp.causes import Cause
from publisher.delivery.smtp.replies import Phase, Reply
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

# Outlook.com, by any of its names, says of an unknown mailbox no more than RFC 5321 does.
MICROSOFT = re.compile(r"(?:.+\.)?(?:outlook|hotmail|live|msn|passport)(?:\.[a-z]{2,3}){1,2}")


@dataclass(frozen=True, slots=True)
class Words:
    """Words that tell a cause; `phases` are those in which they do."""

    cause: Cause
    pattern: re.Pattern[str]
    phases: frozenset[Phase]

    def tell(self, text: str, phase: Phase) -> bool:
        """Say whether they stand in a text."""
        return phase in self.phases and self.pattern.search(text) is not None


def _words(cause: Cause, *patterns: str, phases: frozenset[Phase] = frozenset(Phase)) -> Words:
    return Words(cause, re.compile("|".join(patterns)), phases)


READERS = frozenset(Phase) - {Phase.MAIL}

# The first that is found counts: what says more stands before what says less.
SAID: tuple[Words, ...] = (
    _words(
        causes.SESSION_OVER,
        r"max(imum)? (number of )?messages? per (connection|session)",
        r"too many messages (in|on|for|per) this (connection|session)",
        r"(timeout|idle).*clos|timeout exceeded|idle too long|connection expired",
    ),
    _words(causes.GREYLISTED, r"gr[ae]y ?-?list", r"postgrey", r"\bgreyed\b"),
    _words(
        causes.ALLOWANCE_USED,
        r"(daily|hourly|monthly|peak)\b.*(limit|quota)\b.*exceeded",
        r"maximum sending rate exceeded",
        r"(sending|message|relay) (limit|quota) (was |has been )?(exceeded|reached)",
        r"exceeded (your|the) .*(sending|message|relay).*(limit|quota)",
    ),
    _words(
        causes.SUSPENDED,
        r"sending (is )?paused",
        r"sending email account has been .*suspended",
        r"your account .*(suspended|disabled|blocked|locked)",
    ),
    _words(causes.TLS_NEEDED, r"must issue a starttls", r"\btls (is )?required"),
    _words(
        causes.LOGIN_NEEDED,
        r"auth(entication)? (is )?(required|first)",
        r"client was not authenticated",
        r"must (authenticate|log ?in)",
    ),
    _words(
        causes.NOT_OURS,
        r"not owned by user",
        r"send ?as ?denied",
        r"email address is not verified",
        r"not (authorized|allowed|permitted) to send (as|from|on behalf)",
        r"sender.* not (authorized|allowed|permitted)",
    ),
    _words(
        causes.NOT_RELAYED,
        r"relay(ing)? (access )?(is )?(denied|prohibited|not (permitted|allowed))",
        r"(unable|not (permitted|allowed|authorized)) to relay",
        r"(email|mail) sending denied",
        r"tenantattribution",
        r"rcpthosts",
    ),
    _words(
        causes.BLOCKED,
        r"spamhaus|spamcop|barracudacentral|\bdnsbl|\brbl\b|sorbs",
        r"block ?-?list|black ?-?list|deny ?-?list",
        r"\bs31[45]0\b|\b(sc|dy|ou)-00\d",
        r"\[bl\d\d\]|\[tss(09|11)\]|permanently deferred",
        r"banned send",
        r"client host .*blocked|blocked using",
    ),
    _words(causes.REPUTATION, r"reputation"),
    _words(
        causes.TOO_FAST,
        r"\[ts?s?\d\d\]",
        r"\brp-00\d",
        r"unusual rate|unexpected volume|excessive volume|user complaints",
        r"rate[ -]?limit|throttl|too (many|much) (mail|messages|connections|requests)",
        r"too fast|slow down",
    ),
    _words(
        causes.CROWDED,
        r"receiving (e?-?mail|messages) (too quickly|at a rate)",
    ),
    _words(causes.NO_PTR, r"\bptr\b|reverse (dns|lookup|hostname)|rdns|find your hostname"),
    _words(causes.NOT_ALIGNED, r"isn't aligned|not aligned|alignment"),
    _words(
        causes.UNPROVEN,
        r"unauthenticated",
        r"\[hme1\]|failing both spf and dkim|either spf or dkim",
        r"dmarc",
        r"required authentication level",
    ),
    _words(causes.NO_SPF, r"\bspf\b|sender policy framework"),
    _words(causes.NO_DKIM, r"\bdkim\b"),
    _words(
        causes.HOST_REFUSED,
        r"(client host|helo command|ehlo command|helo/ehlo.*) (rejected|invalid|not allowed)",
        r"bad helo|invalid helo",
        r"not authorized to send email directly",
    ),
    _words(
        causes.SENDER_REFUSED,
        r"sender (address )?(rejected|refused|denied|unknown|verif)",
        r"(unresolvable|invalid).*from domain|domain of sender",
        r"callout",
    ),
    _words(
        causes.MALFORMED,
        r"rfc ?-?5?32[12] compliant|rfc ?5322|not rfc|bare (lf|cr)",
        r"malformed|duplicate headers",
    ),
    _words(
        causes.SPAM,
        r"\bspam|unsolicited|phish|virus|malware",
        r"\[(ph|cs|hm)\d\d\]|local policy|potential security issue|nature of the content",
    ),
    _words(
        causes.TOO_LARGE, r"(message|size) .*(too (large|big)|exceed).*", r"too (large|big)"
    ),
    _words(
        causes.FULL,
        r"over ?-?quota|quota exceeded|mailbox (is )?full|(storage|disk) space|exceeded storage",
        phases=READERS,
    ),
    _words(
        causes.SWITCHED_OFF,
        r"\b(inactive|disabled|suspended|deactivated|no longer active|not active)\b",
        r"dd .*no longer valid",
        phases=READERS,
    ),
    _words(
        causes.NO_MAILBOX,
        r"\b(unknown|no such|non-?existent) "
        r"(local |virtual )?(user|mailbox|recipient|address|alias|account|person)\b",
        r"\b(user|mailbox|recipient|alias|account)( address)?( is)? "
        r"(unknown|not ?found|not known)\b",
        r"recipientnotfound|exrecipnotfound",
        r"\b(user|mailbox|recipient|account|address)\b.{0,80}(does not|doesn't|didn't) exist",
        r"doesn't have an? .{1,60}account",
        r"no (mailbox|account|user).{0,20} by that name",
        r"not a (valid|known) (user|mailbox|recipient)",
        r"unknown or illegal alias|no longer on server",
        phases=READERS,
    ),
    _words(causes.POLICY, r"polic(y|ies)"),
    _words(
        causes.BUSY, r"server busy|busy, try|service unavailable|not available|try again later"
    ),
)


def cause_of(reply: Reply, phase: Phase, domain: str = "") -> Cause:
    """Say what a refusal means; `domain` is the recipient's."""
    status = reply.enhanced or ""
    text = reply.text[:LOOKED_AT].lower()
    cause = (
        _clear(status)
        or _outlook(status, text, domain)
        or next((words.cause for words in SAID if words.tell(text, phase)), None)
        or _general(status)
        or _bare(reply.code, phase)
    )
    return _soft(cause, reply, phase)


def _clear(status: str) -> Cause | None:
    if status == PTR_FOR_NOW:
        return causes.NO_PTR
    detail = status[2:]
    if detail.startswith("7.") and int(detail[2:]) in BANNED:
        return causes.BLOCKED
    return CLEAR.get(detail)


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


def _soft(cause: Cause, reply: Reply, phase: Phase) -> Cause:
    """Take back what can't be meant: death for now or by policy, a reader before her turn."""
    if phase is Phase.MAIL and cause.about is causes.About.READER:
        return causes.SENDER_REFUSED if cause is not causes.FULL else causes.NOT_NOW
    is_for_now = reply.code < 500  # noqa: PLR2004  # the class of RFC 5321 section 4.2.1
    if cause.is_dead and (is_for_now or (reply.enhanced or "")[2:].startswith("7.")):
        return causes.NOT_KNOWN
    return cause
