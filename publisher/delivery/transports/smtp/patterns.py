"""Phrases by which servers state a reason, in lower case. Pure values.

`classify` decides which of them count beside a reply's codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory
from publisher.delivery.transports.smtp.replies import SmtpPhase

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
