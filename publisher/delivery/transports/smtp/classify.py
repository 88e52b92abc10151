"""Return the bounce category of a reply, by its codes and by phrases in its text. Pure.

Looked up in this order: enhanced codes with one meaning only (RFC 3463), the text without its
addresses, enhanced codes with several meanings, basic codes (RFC 5321). The phrases, in lower case,
are those by which servers state a reason. The providers' codes are from their pages for senders, of
2026: Gmail's "SMTP errors and codes", Yahoo's "SMTP Error Codes", Exchange Online's "NDR codes",
iCloud's "Postmaster information".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory, BounceSubject
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


@dataclass(frozen=True, slots=True)
class ReplyPattern:
    """A pattern that means a category, in replies to some commands."""

    category: BounceCategory
    pattern: re.Pattern[str]
    phases: frozenset[SmtpPhase]

    def matches(self, text: str, phase: SmtpPhase) -> bool:
        """Return whether the reply's text contains it."""
        return phase in self.phases and self.pattern.search(text) is not None


def _pattern(
    category: BounceCategory,
    *patterns: str,
    phases: frozenset[SmtpPhase] = frozenset(SmtpPhase),
) -> ReplyPattern:
    return ReplyPattern(category, re.compile("|".join(patterns)), phases)


_NOT_MAIL = frozenset(SmtpPhase) - {SmtpPhase.MAIL}

# The first match counts: the more specific patterns come first.
REPLY_PATTERNS: tuple[ReplyPattern, ...] = (
    _pattern(causes.GREYLISTED, r"gr[ae]y ?-?list", r"postgrey", r"\bgreyed\b"),
    _pattern(
        causes.ALLOWANCE_USED,
        r"(daily|hourly|monthly|peak)\b.*(limit|quota)\b.*exceeded",
        r"maximum sending rate exceeded",
        r"(sending|message|relay) (limit|quota) (was |has been )?(exceeded|reached)",
        r"exceeded (your|the) .*(sending|message|relay).*(limit|quota)",
    ),
    _pattern(
        causes.SUSPENDED,
        r"sending (is )?paused",
        r"sending email account has been .*suspended",
        r"your account .*(suspended|disabled|blocked|locked)",
    ),
    _pattern(causes.TLS_NEEDED, r"must issue a starttls", r"\btls (is )?required"),
    _pattern(
        causes.LOGIN_NEEDED,
        r"auth(entication)? (is )?(required|first)",
        r"client was not authenticated",
        r"must (authenticate|log ?in)",
    ),
    _pattern(
        causes.NOT_OURS,
        r"not owned by user",
        r"send ?as ?denied",
        r"email address is not verified",
        r"not (authorized|allowed|permitted) to send (as|from|on behalf)",
        r"sender.* not (authorized|allowed|permitted)",
    ),
    _pattern(
        causes.NOT_RELAYED,
        r"relay(ing)? (access )?(is )?(denied|prohibited|not (permitted|allowed))",
        r"(unable|not (permitted|allowed|authorized)) to relay",
        r"(email|mail) sending denied",
        r"tenantattribution",
        r"rcpthosts",
    ),
    _pattern(
        causes.BLOCKED,
        r"spamhaus|spamcop|barracudacentral|\bdnsbl|\brbl\b|sorbs",
        r"block ?-?list|black ?-?list|deny ?-?list",
        r"\bs31[45]0\b|\b(sc|dy|ou)-00\d",
        r"\[bl\d\d\]|\[tss(09|11)\]|permanently deferred",
        r"banned send",
        r"client host .*blocked|blocked using",
    ),
    _pattern(causes.REPUTATION, r"reputation"),
    _pattern(
        causes.TOO_FAST,
        r"\[ts?s?\d\d\]",
        r"\brp-00\d",
        r"unusual rate|unexpected volume|excessive volume|user complaints",
        r"rate[ -]?limit|throttl|too (many|much) (mail|messages|connections|requests)",
        r"too fast|slow down",
    ),
    _pattern(causes.CROWDED, r"receiving (e?-?mail|messages) (too quickly|at a rate)"),
    _pattern(
        causes.NO_PTR,
        r"\bptr\b|reverse (dns|lookup|hostname)|rdns|find your hostname",
    ),
    _pattern(causes.NOT_ALIGNED, r"isn't aligned|not aligned|alignment"),
    _pattern(
        causes.UNPROVEN,
        r"unauthenticated",
        r"\[hme1\]|failing both spf and dkim|either spf or dkim",
        r"dmarc",
        r"required authentication level",
    ),
    _pattern(causes.NO_SPF, r"\bspf\b|sender policy framework"),
    _pattern(causes.NO_DKIM, r"\bdkim\b"),
    _pattern(
        causes.HOST_REFUSED,
        r"(client host|helo command|ehlo command|helo/ehlo.*) (rejected|invalid|not allowed)",
        r"bad helo|invalid helo",
        r"not authorized to send email directly",
    ),
    _pattern(
        causes.SENDER_REFUSED,
        r"sender (address )?(rejected|refused|denied|unknown|verif)",
        r"(unresolvable|invalid).*from domain|domain of sender",
        r"callout",
    ),
    _pattern(
        causes.MALFORMED,
        r"rfc ?-?5?32[12] compliant|rfc ?5322|not rfc|bare (lf|cr)",
        r"malformed|duplicate headers",
    ),
    _pattern(
        causes.SPAM,
        r"\bspam|unsolicited|phish|virus|malware",
        r"垃圾(邮件|郵件|信)|スパム|迷惑メール|\bспам|بريد مزعج|ind[eé]sirable",
        r"\[(ph|cs|hm)\d\d\]|local policy|potential security issue|nature of the content",
    ),
    _pattern(
        causes.TOO_LARGE,
        # In one sentence: a report has others, such as one of a time that is exceeded.
        r"\b(message|size)\b(?:[^.]|\.\d){0,80}(too (large|big)|exceed)",
        r"too (large|big)",
    ),
    _pattern(
        causes.MAILBOX_FULL,
        r"over ?-?quota|quota exceeded|mailbox (is )?full|(storage|disk) space|exceeded storage",
        r"exceed\w* (their|its|the) quota|over the quota",
        r"переполнен|превышен\w* квот|已满|已滿|空[間间]不足|ممتلئ|امتلأ|اكتمل صندوق|تجاوز\w* الحصة",
        r"bo[iî]te .{0,30}pleine|postfach .{0,20}voll|buz[oó]n .{0,20}lleno|casella .{0,20}piena",
        phases=_NOT_MAIL,
    ),
    _pattern(
        causes.SWITCHED_OFF,
        r"\b(inactive|disabled|suspended|deactivated|no longer active|not active)\b",
        r"dd .*no longer valid",
        phases=_NOT_MAIL,
    ),
    _pattern(
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
        phases=_NOT_MAIL,
    ),
    _pattern(causes.POLICY, r"polic(y|ies)"),
    _pattern(
        causes.BUSY,
        r"server busy|busy, try|service unavailable|not available|try again later",
    ),
)

# X.Y.Z without its class: whether it is 4xx or 5xx follows from the reply's own code.
_SPECIFIC: Mapping[str, BounceCategory] = {
    "1.2": causes.NO_DOMAIN,
    "1.3": causes.BAD_ADDRESS,
    "1.4": causes.BAD_ADDRESS,
    "1.7": causes.SENDER_REFUSED,
    "1.8": causes.SENDER_REFUSED,
    # RFC 7505: a domain that accepts no mail. Microsoft: an unknown mailbox.
    "1.10": causes.NO_MAILBOX,
    "2.2": causes.MAILBOX_FULL,
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
# RFC 7372 and Gmail use X.7.23 for different things. With 4xx it is Gmail's.
_TEMPORARY_PTR = "4.7.23"
# The server's own storage (RFC 3463 section 3.4), whatever the text says.
_SYSTEM_FULL = "3.1"
# Exchange Online: banned addresses.
_BANNED = range(606, 650)

_GENERAL: Mapping[str, BounceCategory] = {
    "1.1": causes.NO_MAILBOX,
    "1.6": causes.MOVED,
    "2.1": causes.SWITCHED_OFF,
    "3.2": causes.BUSY,
    "4.5": causes.BUSY,
    "7.8": causes.LOGIN_REFUSED,
    "7.9": causes.POLICY,
}
_SUBJECTS: Mapping[str, BounceCategory] = {
    "1": causes.NOT_KNOWN,
    "2": causes.NOT_KNOWN,
    "3": causes.TROUBLE,
    "4": causes.NO_WAY,
    "5": causes.MISUNDERSTOOD,
    "6": causes.MALFORMED,
    "7": causes.POLICY,
}

# A login or TLS is required (RFC 4954 section 6), for any recipient.
LOGIN_CODES: Mapping[int, BounceCategory] = {
    530: causes.LOGIN_NEEDED,
    534: causes.LOGIN_REFUSED,
    535: causes.LOGIN_REFUSED,
    538: causes.TLS_NEEDED,
}
_BARE: Mapping[int, BounceCategory] = {
    421: causes.BUSY,
    450: causes.NOT_NOW,
    451: causes.NOT_NOW,
    452: causes.NOT_NOW,
    **LOGIN_CODES,
    550: causes.NOT_KNOWN,
    551: causes.MOVED,
    552: causes.MAILBOX_FULL,
    553: causes.BAD_ADDRESS,
    556: causes.NO_DOMAIN,
}
# Codes that mean something else in replies that are not to RCPT.
_BARE_NOT_RCPT: Mapping[int, BounceCategory] = {
    550: causes.NOT_TAKEN,
    551: causes.NOT_TAKEN,
    552: causes.TOO_LARGE,
    553: causes.NOT_TAKEN,
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


def _by_general_code(code: str) -> BounceCategory | None:
    detail = code[2:]
    return _GENERAL.get(detail) or _SUBJECTS.get(detail.partition(".")[0])


def _by_basic_code(code: int, phase: SmtpPhase) -> BounceCategory:
    if code in _SYNTAX_ERRORS:
        return causes.MISUNDERSTOOD
    if phase is not SmtpPhase.RCPT and code in _BARE_NOT_RCPT:
        return _BARE_NOT_RCPT[code]
    return _BARE.get(code, causes.NOT_TAKEN)


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
