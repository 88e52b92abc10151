"""The values of an audience plan: counts, and their hash. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from subscribers import Standing

# Kinds of mail. "undecided": the issue's articles are not chosen yet.
DIGEST, VARIANT, UNDECIDED = "digest", "variant", "undecided"
# Why somebody gets nothing, beside those of `subscribers.Standing`.
ELSEWHERE, UNSERVED = "other-edition", "no-edition"

REASONS: Mapping[str, str] = {
    Standing.LEFT: "unsubscribed",
    Standing.PENDING: "have not confirmed yet",
    Standing.BOUNCED: "their addresses do not work",
    Standing.COMPLAINED: "complained about mail",
    Standing.NOT_SUBSCRIBED: "never asked for this newsletter",
    Standing.OTHER_CADENCE: "chose another cadence",
    Standing.PAUSED: "have paused all mail",
    ELSEWHERE: "get another edition",
    UNSERVED: "no edition in a language of theirs",
    "had-everything": "have got every article of it before",
    "no-article": "no article for their languages, topics or authors",
}


@dataclass(slots=True, kw_only=True)
class EditionPlan:
    """Who gets one issue: counts of its recipients, by several things, and of who gets nothing.

    `kinds` has the kinds of mail, `variants` how many different ones there are. `withheld` are
    subscribers of the edition for whom nothing is left, by cause.
    """

    issue: str
    language: str
    due_at: datetime
    kinds: Counter[str] = field(default_factory=Counter)
    variants: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    instants: Counter[datetime] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)

    @property
    def recipients(self) -> int:
        """How many get a mail."""
        return self.kinds.total()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, in a fixed order."""
        return {
            "issue": self.issue,
            "language": self.language,
            "due": _utc(self.due_at),
            "recipients": self.recipients,
            "kinds": _sorted(self.kinds),
            "variants": self.variants,
            "languages": _sorted(self.languages),
            "instants": {_utc(at): count for at, count in sorted(self.instants.items())},
            "providers": _sorted(self.providers),
            "withheld": _sorted(self.withheld),
        }


@dataclass(slots=True, kw_only=True)
class AudiencePlan:
    """The plan of a newsletter's day. `excluded` counts who gets none of its issues, by reason.

    `elsewhere` are those of them whom another edition serves, by its language, `unserved` those for
    whom there is none, by theirs. `subscribers` are all on record.
    """

    newsletter: str
    day: date
    subscribers: int
    editions: Sequence[EditionPlan]
    excluded: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    unserved: Counter[str] = field(default_factory=Counter)

    @property
    def recipients(self) -> dict[str, int]:
        """How many get a mail, by the edition's language. Kept with an approval."""
        return {one.language: one.recipients for one in self.editions}

    @property
    def reasons(self) -> Counter[str]:
        """Everybody who gets nothing, by reason; with `recipients` they add up to all."""
        return sum((one.withheld for one in self.editions), Counter(self.excluded))

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, in a fixed order. Equal plans are equal texts."""
        return {
            "newsletter": self.newsletter,
            "day": self.day.isoformat(),
            "subscribers": self.subscribers,
            "recipients": sum(self.recipients.values()),
            "editions": [one.as_dict() for one in self.editions],
            "excluded": _sorted(self.excluded),
            "elsewhere": _sorted(self.elsewhere),
            "unserved": _sorted(self.unserved),
        }


def plan_hash(plan: AudiencePlan, secret: str) -> str:
    """Return what an approval of a plan is bound to, 64 hexadecimal digits.

    They are half of the SHA-256 of all its counts and times, and half of an HMAC of that: so a hash
    that comes back was shown here, also if the plan has moved since.
    """
    text = json.dumps(plan.as_dict(), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return digest + _proof(digest, plan.newsletter, plan.day, secret)


def is_plan_hash(value: str, newsletter: str, day: date, secret: str) -> bool:
    """Return whether a hash is that of a plan of this day, whichever it was, that was made here."""
    proof = _proof(value[:32], newsletter, day, secret)
    return hmac.compare_digest(value[32:].encode(), proof.encode())


def _proof(digest: str, newsletter: str, day: date, secret: str) -> str:
    text = f"plan:{newsletter}\n{day}\n{digest}".encode()
    return hmac.digest(secret.encode(), text, "sha256").hex()[:32]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(name): counts[name] for name in sorted(counts)}


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
