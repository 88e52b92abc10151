"""Why a message was not sent or not accepted: causes, each with a key that the ledger stores.

A sentence is made when it is shown: the ledger stores the key and the server's words, never the
sentence. Causes of a mail server's refusal are bounce categories, the same for all transports.
`docs/reference/delivery.md` lists them.
"""

from dataclasses import dataclass
from enum import StrEnum

from publisher.delivery.states import DeliveryState
from publisher.i18n.messages import Sentence, message, untranslated


class BounceSubject(StrEnum):
    """What a refusal is about."""

    # One recipient's mailbox or address.
    RECIPIENT = "recipient"
    # This message: its size, form or content.
    MESSAGE = "message"
    # How much mail the receiving domain accepts from us, and how fast.
    RATE = "rate"
    # Our identity: IP address, DNS records, reputation.
    SENDER = "sender"
    # Our account at this server, and what it allows.
    ACCOUNT = "account"
    # The amount that our account may send. It passes by itself, even where the reply is 5xx.
    QUOTA = "quota"
    # The server itself: in trouble, or busy.
    SERVER = "server"
    # The reply does not say.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: a key that never changes, a sentence, and what a person can do about it.

    `form` joins the sentence and the words, such as those of the server.
    """

    key: str
    sentence: str
    advice: str
    form: str = "%(sentence)s (%(words)s)"

    def explain(self, words: str = "") -> str:
        """Return the sentence, with the server's words or other details."""
        if not words:
            return self.sentence
        # The sentence is a template without values.
        sentence = Sentence(self.sentence, {})
        return Sentence(self.form, {"sentence": sentence, "words": untranslated(words)})


@dataclass(frozen=True, slots=True)
class BounceCategory(Cause):
    """What a mail server's refusal means."""

    subject: BounceSubject = BounceSubject.UNKNOWN
    # The mailbox does not exist. Only for replies that say so for good.
    is_dead_address: bool = False


_RETRIED = "nothing: it is tried again by itself"
_ADVICE = {
    "no-mailbox": "nothing: the address is not written to again",
    "not-known": "look at the address; if it comes back issue after issue, unsubscribe the address",
    "no-domain": "look for a typing error in the domain; unsubscribe the address if there is none",
    "bad-address": "look for a typing error in the address",
    "moved": "ask the subscriber for the new one; mail does not follow by itself",
    "switched-off": "nothing: some come back; if this one does not, unsubscribe the address",
    "full": "nothing: only the subscriber can make room",
    "crowded": _RETRIED,
    "greylisted": _RETRIED,
    "too-fast": "nothing: it slows down by itself; set [[delivery.domain]] or [delivery.warmup] if it stays",
    "allowance-used": "nothing, or ask the server's administrator for more; set [delivery.rate] to what it allows",
    "too-large": "make the issue shorter, or ask the server's administrator for more",
    "spam": "look at what it says and links to; see the provider's page for senders",
    "malformed": "run `publisher check`; if it finds nothing, this is a fault of the program: report it",
    "policy": "read the server's words; its administrator can say which rule",
    "blocked": "find out which list and why, and ask to be taken off it; if the issue is paused, resume it",
    "reputation": "send less, and only to subscribers who read it; see the provider's page for senders",
    "no-ptr": "have a PTR record made for the host, and an A or AAAA record to match",
    "no-spf": "publish what is missing in the DNS of the sender's domain; if the issue is paused, resume it",
    "no-tls": 'set tls = "starttls" or "implicit", or have the relay use TLS',
    "no-dkim": "sign with [[delivery.dkim]], and publish its record in the DNS",
    "no-dmarc": "publish what is missing in the DNS of the sender's domain; if the issue is paused, resume it",
    "not-aligned": "sign with the domain of the sender's address, or take bounces below it",
    "unproven": "set up SPF, DKIM and DMARC for the sender's domain; if the issue is paused, resume it",
    "sender-refused": "see that its domain exists and takes mail; set `sender` or `delivery.smtp.bounces`",
    "host-refused": "set `delivery.smtp.hello` to the host's full name; ask the server's administrator",
    "login-needed": "set `delivery.smtp.user` and PUBLISHER_SMTP_PASSWORD",
    "login-refused": "check `delivery.smtp.user` and PUBLISHER_SMTP_PASSWORD",
    "tls-needed": 'set delivery.smtp.tls = "starttls" or "implicit"',
    "not-relayed": "log in with `delivery.smtp.user`, or have the server allow this host",
    "not-ours": "have the sender's address or domain confirmed with the server's administrator",
    "suspended": "ask the server's administrator; if the issue is paused, resume it",
    "session-over": "nothing: a new connection is made by itself",
    "busy": _RETRIED,
    "trouble": _RETRIED,
    "no-way": "nothing if it passes; else ask the server's administrator",
    "misunderstood": "see that host and port are those of a mail server that takes submissions",
    "not-now": _RETRIED,
    "not-taken": "read the server's words; its administrator can say more",
}


def _about(
    subject: BounceSubject, key: str, sentence: str, *, is_dead_address: bool = False
) -> BounceCategory:
    return BounceCategory(
        key, sentence, _ADVICE[key], subject=subject, is_dead_address=is_dead_address
    )


# --- one recipient

_R = BounceSubject.RECIPIENT
NO_MAILBOX = _about(_R, "no-mailbox", "there is no such mailbox", is_dead_address=True)
NOT_KNOWN = _about(
    _R, "not-known", "the mailbox is not available: unknown, closed to us, or not yet set up"
)
NO_DOMAIN = _about(_R, "no-domain", "the recipient's domain does not exist or accepts no mail")
BAD_ADDRESS = _about(_R, "bad-address", "the server does not accept this as an address")
MOVED = _about(_R, "moved", "the recipient has moved to another address")
SWITCHED_OFF = _about(_R, "switched-off", "the mailbox is switched off")
MAILBOX_FULL = _about(_R, "full", "the mailbox is full")
CROWDED = _about(
    _R, "crowded", "the recipient gets more mail at present than the mailbox accepts"
)
GREYLISTED = _about(
    _R, "greylisted", "the server asks new senders to try again later (greylisting)"
)

# --- amount and speed

TOO_FAST = _about(
    BounceSubject.RATE, "too-fast", "too much mail at once, or too many complaints"
)
ALLOWANCE_USED = _about(
    BounceSubject.QUOTA, "allowance-used", "our account has sent as much as it may for now"
)

# --- the message

_M = BounceSubject.MESSAGE
TOO_LARGE = _about(_M, "too-large", "the message is larger than the server accepts")
SPAM = _about(_M, "spam", "the message is classified as spam")
MALFORMED = _about(_M, "malformed", "the server considers the message malformed")
POLICY = _about(_M, "policy", "the server's policy forbids it")

# --- our identity

_S = BounceSubject.SENDER
BLOCKED = _about(_S, "blocked", "our server is on a block list")
REPUTATION = _about(_S, "reputation", "our server or domain has a bad reputation there")
NO_PTR = _about(
    _S, "no-ptr", "the sending host's address has no name that leads back to it (PTR)"
)
NO_SPF = _about(_S, "no-spf", "the sender's domain does not list the sending host (SPF)")
NO_TLS = _about(_S, "no-tls", "the mail came without TLS")
NO_DKIM = _about(_S, "no-dkim", "the signature is missing or wrong (DKIM)")
NO_DMARC = _about(_S, "no-dmarc", "the sender's domain has no DMARC record")
NOT_ALIGNED = _about(
    _S,
    "not-aligned",
    "the sender's domain is neither the one that signed nor the one of SPF (DMARC)",
)
UNPROVEN = _about(_S, "unproven", "the mail does not prove who sent it (SPF, DKIM, DMARC)")
SENDER_REFUSED = _about(_S, "sender-refused", "the sender's address is refused")
HOST_REFUSED = _about(
    _S, "host-refused", "the server refuses our host, or the name in its EHLO"
)

# --- our account

_A = BounceSubject.ACCOUNT
LOGIN_NEEDED = _about(_A, "login-needed", "the server requires a login")
LOGIN_REFUSED = _about(_A, "login-refused", "the login is refused")
TLS_NEEDED = _about(_A, "tls-needed", "the server requires TLS")
NOT_RELAYED = _about(_A, "not-relayed", "the server relays no mail for us")
NOT_OURS = _about(_A, "not-ours", "our account may not send in this sender's name")
SUSPENDED = _about(_A, "suspended", "our account is suspended")

# --- the server, or unknown

_V, _U = BounceSubject.SERVER, BounceSubject.UNKNOWN
SESSION_OVER = _about(
    _V,
    "session-over",
    "the server has ended the connection, as it does after some time or some messages",
)
BUSY = _about(_V, "busy", "the server is busy or about to stop")
TROUBLE = _about(_V, "trouble", "the server has an internal problem")
NO_WAY = _about(_U, "no-way", "the server finds no route to the recipient's server")
MISUNDERSTOOD = _about(_U, "misunderstood", "the server does not understand a command")
NOT_NOW = _about(_U, "not-now", "the server does not accept it now")
NOT_TAKEN = _about(_U, "not-taken", "the server does not accept it")

# --- not a server's refusal

_DECIDE = (
    "look for its Message-ID in the server's log; then `publisher doubt resend` or `mark-sent`"
)
HAS_UNSUBSCRIBED = Cause(
    "unsubscribed", "no longer subscribed", "nothing: the subscriber does not want it"
)
HAS_PAUSED = Cause(
    "paused",
    "mails are paused",
    "nothing: after the pause, the subscriber gets what was missed",
)
OTHER_CADENCE = Cause(
    "other-cadence",
    "another cadence was chosen",
    "nothing: the next issue or digest of that cadence has the articles",
)
HAD_EVERYTHING = Cause(
    "had-everything",
    "the subscriber has got every article of it before",
    "nothing: no article is sent twice",
)
NO_ARTICLE = Cause(
    "no-article",
    "no article of it is for the subscriber's languages, topics or authors",
    "nothing: it is what the subscriber chose",
)
ARTICLES_WITHDRAWN = Cause(
    "withdrawn",
    "all articles for the subscriber were withdrawn before the mail was made",
    "nothing, or publish the articles again",
)
EDITION_IS_REMOVED = Cause(
    "edition-removed",
    "the edition was removed from publication.toml before the mail was made",
    "nothing, or add it again for its next issue",
)
_CORRECT = "correct or withdraw the article or correct the template; then `publisher deliveries retry ISSUE`"
VARIANT_REJECTED = Cause(
    "gate",
    "the variant of the issue for the subscriber's choices did not pass the gate",
    _CORRECT,
    "%(sentence)s: %(words)s",
)
VARIANT_NOT_MADE = Cause(
    "not-made",
    "the variant of the issue for the subscriber's choices could not be made",
    _CORRECT,
    "%(sentence)s: %(words)s",
)
ISSUE_CANCELLED = Cause(
    "cancelled", "the issue was cancelled", "nothing: correct it in the next issue"
)
NO_LONGER_ASKED_FOR = Cause(
    "not-asked-for",
    "what the mail is about has ended",
    "nothing: the mail would say what is no longer true",
)
MARKED_AS_SENT = Cause(
    "marked-sent", "marked as sent by a person", "nothing: it is not sent again"
)
RESTORED = Cause(
    "restored",
    "may have been sent before the database was restored",
    "look for its Message-ID in the mail server's log, then `publisher doubt resend` or `mark-sent`",
)
UNSENDABLE = Cause(
    "unsendable",
    "no message can be written",
    "correct the subscriber's address, and import it again",
    "%(sentence)s: %(words)s",
)
MAIL_REJECTED = Cause(
    "mail-rejected",
    "the mail can't be made, or does not pass the gate",
    "mend the template; `publisher check` shows what is wrong. It is sent by itself then",
    "%(words)s",
)
FOLDER_PROBLEM = Cause(
    "folder",
    "a folder of the outbox can't be written to",
    "let this user write to the folder; it is tried again by itself",
    "%(words)s",
)
CONNECTION_LOST = Cause(
    "connection-lost", "the connection to the server was lost", _RETRIED, "the server %(words)s"
)
UNREACHABLE = Cause(
    "unreachable",
    "the server could not be reached",
    "check host and port in [delivery.smtp], and whether the server runs",
    "%(sentence)s: %(words)s",
)
CONNECTION_CLOSED = Cause("connection-closed", "the connection was closed", _RETRIED)
LEASE_LOST = Cause("lease-lost", "the lease is lost", _RETRIED)
UNANSWERED = Cause(
    "unanswered",
    "all of it was sent, and no answer came",
    _DECIDE,
    "all of it was sent, but the server %(words)s",
)
INTERRUPTED = Cause(
    "interrupted",
    "the program was stopped while it was being sent, before the answer came",
    _DECIDE,
)
PROGRAM_FAILED = Cause(
    "program-failed", "the program failed while the message was being sent", _DECIDE
)
# The transport returned no cause, or the row is older than the keys of causes.
UNKNOWN_CAUSE = Cause(
    "unknown", "no reason is known", "`publisher deliveries` shows what is known", "%(words)s"
)

CAUSES = {cause.key: cause for cause in [*globals().values()] if isinstance(cause, Cause)}


def cause_of(key: str | None) -> Cause:
    """Return the cause of a key; the unknown one for none, and for keys of later versions."""
    return CAUSES.get(key or "", UNKNOWN_CAUSE)


def advise(state: str, key: str | None) -> str:
    """Return what a person can do about a delivery's cause.

    While it is deferred, no address is given up yet, and nothing is in doubt.
    """
    cause = cause_of(key)
    is_dead = isinstance(cause, BounceCategory) and cause.is_dead_address
    comes_later = state == DeliveryState.DEFERRED and (is_dead or cause.advice == _DECIDE)
    return _RETRIED if comes_later else cause.advice


def explain_delivery(state: str, key: str | None, words: str | None = None) -> str | None:
    """Return why a delivery has its state, in one sentence. None if there is nothing to say."""
    if key is None and not words:
        return None
    cause = cause_of(key)
    gave_up = state == DeliveryState.FAILED and cause is not UNSENDABLE
    why = cause.explain(words or "")
    return message("given up: %(why)s", why=why) if gave_up else why
