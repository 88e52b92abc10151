"""Decide what a server's words about a recipient mean. Pure.

The SMTP transport's own classification reads the reply that the reporting server got. What reporting servers write
themselves, for lack of a reply, is in the patterns here.
"""

import re
from dataclasses import dataclass

from publisher.bounces.model import BounceKind
from publisher.delivery import causes
from publisher.delivery.causes import BounceCategory, BounceSubject
from publisher.delivery.transports.smtp import classify
from publisher.delivery.transports.smtp.protocol import SmtpPhase, SmtpReply

MAX_DIAGNOSTIC = 1_000  # characters of a diagnostic that are read
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
_PHASES = {
    SmtpPhase.MAIL: r"(?:reply to|after|response to|in) [\"']?mail from|sender was rejected",
    SmtpPhase.DOT: r"end of data|after [\"']?data|to [\"']?data|message content",
}
# What a refusal may be about that is not because of us.
_NOT_OURS = (BounceSubject.RECIPIENT, BounceSubject.SERVER, BounceSubject.UNKNOWN)
_TEMPORARY, _PERMANENT = "450", "554"


_VAGUE = frozenset(
    {
        causes.BAD_ADDRESS,
        causes.BUSY,
        causes.MISUNDERSTOOD,
        causes.NOT_KNOWN,
        causes.NOT_NOW,
        causes.NOT_TAKEN,
        causes.NO_WAY,
        causes.TROUBLE,
    }
)


def _words(category: BounceCategory, *patterns: str) -> tuple[BounceCategory, re.Pattern[str]]:
    return category, re.compile("|".join(patterns), re.IGNORECASE)


# What reporting servers write themselves. The first match counts.
_OWN_WORDS = (
    _words(
        causes.MAILBOX_FULL,
        r"(?:mail ?box|inbox|account|user|folder)[^.\n]{0,40}(?:is |are |was )?(?:full|over (?:its |the )?quota)",
        r"(?:disk|mail)? ?quota (?:is )?exceeded|not enough (?:disk|storage)|over (?:the |disk )?quota",
        r"insufficient (?:disk |system )?(?:space|storage)|空き容量|容量(?:不足|を超|オーバー)|满",
    ),
    _words(
        causes.BLOCKED,
        r"spamhaus|spamcop|barracudacentral|\bblocked (?:for|by|ip|due|because|sender)",
        r"\bip (?:address )?(?:is |was |has been )?blocked|black ?list|block ?list",
    ),
    _words(
        causes.TOO_FAST,
        r"frequency (?:is )?limit|too many (?:recipients|connections|messages)|rate limit",
        r"发送频率|超过.{0,10}(?:频率|限制)",
    ),
    _words(
        causes.NOT_RELAYED,
        r"not permitted to relay|insecure mail relay|smtp authentication|without authentication",
    ),
    _words(causes.HOST_REFUSED, r"after initial connection|not accepting connections from"),
    _words(
        causes.NO_DOMAIN,
        r"(?:host|domain)(?: or domain)?(?: name)? (?:\S+ )?(?:was |is |could )?(?:unknown|not (?:be )?found)",
        r"no such (?:host|domain)|non-?existent (?:host|domain)|(?:unknown|invalid) (?:host|domain)",
        r"domain (?:name )?(?:\S+ )?(?:does ?n[o']t exist|is invalid)|illegal host/domain",
        r"can't find any host named|couldn't find (?:any|a)(?: \w+)* (?:host|exchanger)",
        r"no mx (?:record )?found for|name or service not known|ドメインが(?:存在しません|見つかりません)",
        r"域名(?:不存在|解析)|dns lookup failure: host",
    ),
    _words(
        causes.NO_MAILBOX,
        r"not listed in (?:the )?(?:public )?(?:name|domino|address|directory)",
        r"(?:e-?mail )?address (?:you entered )?(?:couldn't|could not|wasn't|was not|not) (?:be )?found",
        r"(?:recipient name is not|could not be) recognized|unknown (?:local )?(?:recipient|user)\b",
        r"invalid (?:final )?(?:delivery )?(?:recipient|userid|user|mailbox)\b",
        r"(?:recipient|user|mailbox)\b[^.\n]{0,30}\b(?:unknown|not found|non-?existent)",
        r"no such (?:user|mailbox|recipient|account|address)",
        r"(?:宛先|送信先|受信者)[^。]{0,20}(?:存在しません|見つかりません)|メールアドレスが見つかりません",
        r"收件人(?:地址)?[^。]{0,10}不存在|用户不存在|帳號不存在|该邮箱不存在",
        r"destinataire (?:inconnu|invalide|inexistant)|utilisateur inconnu|empf[aä]nger unbekannt",
        r"unbekannter (?:benutzer|empf[aä]nger)|usuario desconocido|destinatario (?:desconocido|sconosciuto)",
    ),
    _words(
        causes.POLICY,
        r"(?:mail|message|content|transaction|e-?mail) (?:was |has been |is |content )?"
        r"(?:rejected|refused|denied|rejet)",
        r"blocked by|filter(?:ed)? (?:by|out)|not permitted|prohibited|denied by",
    ),
)
# What a name server may say while it is in trouble. A domain without a mail server may get one.
_PASSING = re.compile(
    r"try again|servfail|time[d-]? ?out|temporar|loop|delayed|\bmx\b|exchanger", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict with its cause and the status that it follows from."""

    kind: BounceKind
    cause: BounceCategory
    status: str

    @property
    def is_vague(self) -> bool:
        return self.cause in _VAGUE


def diagnose_refusal(status: str, words: str, domain: str = "") -> Diagnosis:
    text = " ".join(words[:MAX_DIAGNOSTIC].split())
    best = _best_status(status, text)
    code = _code_of(text, best)
    category = _category(code, best, text, domain)
    if category in _VAGUE or category.is_dead_address:
        own = _own_words(category, text, code, best)
        category = own if category in _VAGUE or own is causes.MAILBOX_FULL else category
    is_lasting = not code.startswith("4") and not _PASSING.search(text)
    if category.is_dead_address or (category is causes.NO_DOMAIN and is_lasting):
        kind = BounceKind.DEAD
    else:
        kind = BounceKind.SOFT if category.subject in _NOT_OURS else BounceKind.BLOCKED
    return Diagnosis(kind, category, best)


def _best_status(given: str, text: str) -> str:
    """Return the most specific status. The receiving server's own, in its text, goes first."""
    found = _STATUS.findall(classify.EMAIL_ADDRESS.sub("@", text))
    known = [one for one in (*found, given) if one]
    specific = [one for one in known if not one.endswith((".0.0", ".0"))]
    return next(iter(specific or known), "")


def _code_of(text: str, status: str) -> str:
    found = _CODE.search(text) or _ANY_CODE.search(text)
    if found and (not status or status[0] == found[1][0]):
        return found[1]
    return _TEMPORARY if status.startswith("4") else _PERMANENT


def _category(code: str, status: str, text: str, domain: str) -> BounceCategory:
    found = (one for one, words in _PHASES.items() if re.search(words, text, re.IGNORECASE))
    phase = next(found, SmtpPhase.RCPT)
    line = f"{code} {status} {text}\n" if status else f"{code} {text}\n"
    return classify.classify_reply(SmtpReply(int(code), line.encode()), phase, domain)


def _own_words(vague: BounceCategory, text: str, code: str, status: str) -> BounceCategory:
    without = classify.EMAIL_ADDRESS.sub("@", text)
    found = next((one for one, pattern in _OWN_WORDS if pattern.search(without)), vague)
    if found not in {causes.NO_MAILBOX, causes.NO_DOMAIN}:
        return found
    if classify.ABOUT_SENDER.search(without.lower()):
        return causes.SENDER_REFUSED
    is_unsure = code.startswith("4") or status.startswith(("4", "5.7."))
    return causes.NOT_KNOWN if is_unsure else found
