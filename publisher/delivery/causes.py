"""Why a message was not sent or not accepted: causes, with keys that the ledger stores and texts in `causes.toml`.

Sentences are made when they are shown. Causes of a mail server's refusal are the same for all transports.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from publisher.delivery.states import DeliveryState
from publisher.i18n.messages import Sentence, message, untranslated


class BounceSubject(StrEnum):
    """What a refusal is about."""

    RECIPIENT = "recipient"  # one recipient's mailbox or address
    MESSAGE = "message"  # this message: its size, form or content
    RATE = "rate"  # how much mail the receiving domain accepts from us, and how fast
    SENDER = "sender"  # our identity: IP address, DNS records, reputation
    ACCOUNT = "account"  # our account at this server, and what it allows
    # The amount that our account may send. It passes by itself, even where the reply is 5xx.
    QUOTA = "quota"
    SERVER = "server"  # the server itself: in trouble, or busy
    UNKNOWN = "unknown"  # the reply does not say


@dataclass(frozen=True, slots=True)
class Cause:
    """A key that never changes, a sentence, and what to do; `form` joins the sentence and a server's words."""

    key: str
    sentence: str
    advice: str
    form: str = "%(sentence)s (%(words)s)"

    def explain(self, words: str = "") -> str:
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


def _read_causes(text: str) -> tuple[dict[str, BounceCategory], dict[str, Cause]]:
    refusals, others = {}, {}
    for key, row in tomllib.loads(text).items():
        if "subject" in row:
            subject = BounceSubject(row.pop("subject"))
            refusals[key] = BounceCategory(key=key, subject=subject, **row)
        else:
            others[key] = Cause(key=key, **row)
    return refusals, others


# A mail server's refusals, and all other causes, by their keys.
REFUSALS, _OTHERS = _read_causes(Path(__file__).with_suffix(".toml").read_text("utf-8"))
CAUSES: dict[str, Cause] = {**REFUSALS, **_OTHERS}

NO_MAILBOX = REFUSALS["no-mailbox"]
NOT_KNOWN = REFUSALS["not-known"]
NO_DOMAIN = REFUSALS["no-domain"]
BAD_ADDRESS = REFUSALS["bad-address"]
MOVED = REFUSALS["moved"]
MAILBOX_FULL = REFUSALS["full"]
CROWDED = REFUSALS["crowded"]
TOO_FAST = REFUSALS["too-fast"]
TOO_LARGE = REFUSALS["too-large"]
SPAM = REFUSALS["spam"]
POLICY = REFUSALS["policy"]
BLOCKED = REFUSALS["blocked"]
NO_PTR = REFUSALS["no-ptr"]
UNPROVEN = REFUSALS["unproven"]
SENDER_REFUSED = REFUSALS["sender-refused"]
HOST_REFUSED = REFUSALS["host-refused"]
LOGIN_REFUSED = REFUSALS["login-refused"]
NOT_RELAYED = REFUSALS["not-relayed"]
SESSION_OVER = REFUSALS["session-over"]
BUSY = REFUSALS["busy"]
TROUBLE = REFUSALS["trouble"]
NO_WAY = REFUSALS["no-way"]
MISUNDERSTOOD = REFUSALS["misunderstood"]
NOT_NOW = REFUSALS["not-now"]
NOT_TAKEN = REFUSALS["not-taken"]
HAS_UNSUBSCRIBED = _OTHERS["unsubscribed"]
HAS_PAUSED = _OTHERS["paused"]
OTHER_CADENCE = _OTHERS["other-cadence"]
HAD_EVERYTHING = _OTHERS["had-everything"]
NO_ARTICLE = _OTHERS["no-article"]
ARTICLES_WITHDRAWN = _OTHERS["withdrawn"]
EDITION_IS_REMOVED = _OTHERS["edition-removed"]
VARIANT_REJECTED = _OTHERS["gate"]
VARIANT_NOT_MADE = _OTHERS["not-made"]
ISSUE_CANCELLED = _OTHERS["cancelled"]
NO_LONGER_ASKED_FOR = _OTHERS["not-asked-for"]
MARKED_AS_SENT = _OTHERS["marked-sent"]
RESTORED = _OTHERS["restored"]
UNSENDABLE = _OTHERS["unsendable"]
MAIL_REJECTED = _OTHERS["mail-rejected"]
FOLDER_PROBLEM = _OTHERS["folder"]
CONNECTION_LOST = _OTHERS["connection-lost"]
UNREACHABLE = _OTHERS["unreachable"]
CONNECTION_CLOSED = _OTHERS["connection-closed"]
LEASE_LOST = _OTHERS["lease-lost"]
UNANSWERED = _OTHERS["unanswered"]
INTERRUPTED = _OTHERS["interrupted"]
PROGRAM_FAILED = _OTHERS["program-failed"]
UNKNOWN_CAUSE = _OTHERS["unknown"]

_RETRIED = BUSY.advice
_DECIDE = UNANSWERED.advice


def cause_of(key: str | None) -> Cause:
    return CAUSES.get(key or "", UNKNOWN_CAUSE)


def advise(state: str, key: str | None) -> str:
    """Return what a person can do about a cause. Of a deferred delivery no address is given up, and nothing is in doubt."""
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
