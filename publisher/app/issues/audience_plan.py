"""The plan of an issue before it is sent: who gets which language when, and why others get nothing.

The counts add up to all subscribers on record, and are those of the ledger if that is opened at the
same instant: both follow `publisher.delivery.ledger.audience`. All languages of a newsletter's day are
one plan, in which each subscriber counts once, at the edition that serves her. What another issue
will bring first that is not being sent yet can't be known.
"""

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.app.editing_state import EditingState
from publisher.app.issues import lookup
from publisher.config import Settings
from publisher.delivery.ledger.audience import (
    OUTSIDE,
    AudienceGroup,
    IssueAudience,
    Portion,
    audience_limit,
    count_groups,
    load_issue_audience,
    load_members,
)
from publisher.delivery.ledger.opening import local_due_at
from publisher.delivery.rates.limits import providers_of
from publisher.errors import IssueError
from publisher.issues.model import SELECTED_STATES, Issue, IssueKind
from publisher.issues.planner import EditionIssue
from publisher.issues.selection import serving_language
from subscribers.audiences import Standing, count_standings
from subscribers.preferences import profile_from_text

# Kinds of mail. "undecided": the issue's articles are not chosen yet.
DIGEST, VARIANT, UNDECIDED = "digest", "variant", "undecided"
# Why somebody gets nothing, beside those of `subscribers.Standing`.
ELSEWHERE, UNSERVED = "other-edition", "no-edition"


@dataclass(slots=True, kw_only=True)
class EditionPlan:
    """Who gets one issue: counts of its recipients by several things, and of who gets nothing. `variants` is how many mails differ."""

    planned: EditionIssue
    kinds: Counter[str] = field(default_factory=Counter)
    variants: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    instants: Counter[datetime] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)

    @property
    def issue(self) -> Issue:
        return self.planned.issue

    @property
    def recipients(self) -> int:
        return self.kinds.total()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, in a fixed order."""
        return {
            "issue": self.issue.name,
            "language": self.issue.language,
            "due": _utc(self.planned.sends_at),
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
    """The plan of a newsletter's day. `excluded` is by reason; of them another edition serves `elsewhere`, and none `unserved`."""

    newsletter: str
    day: date
    subscribers: int
    editions: Sequence[EditionPlan]
    # Of an announcement, as its name ends.
    suffix: str = ""
    excluded: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    unserved: Counter[str] = field(default_factory=Counter)

    @property
    def recipients(self) -> dict[str, int]:
        """How many get a mail, by the edition's language. Kept with an approval."""
        return {one.issue.language: one.recipients for one in self.editions}

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
    """Return half of the SHA-256 of all that a plan has, and half of an HMAC of that: so a hash that comes back was shown here."""
    text = json.dumps(plan.as_dict(), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return digest + _proof(digest, plan.newsletter, plan.day, plan.suffix, secret)


def is_plan_hash(value: str, issue: Issue, secret: str) -> bool:
    """Return whether a hash is that of a plan of an issue's day, whichever it was, that was made here."""
    proof = _proof(value[:32], issue.newsletter, issue.day, issue.suffix, secret)
    return hmac.compare_digest(value[32:].encode(), proof.encode())


def _proof(digest: str, newsletter: str, day: date, suffix: str, secret: str) -> str:
    text = f"plan:{newsletter}\n{day}{suffix}\n{digest}".encode()
    return hmac.digest(secret.encode(), text, "sha256").hex()[:32]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {str(name): counts[name] for name in sorted(counts)}


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def plan_audience(
    state: EditingState,
    newsletter: str,
    day: date | None,
    languages: Collection[str] = (),
    suffix: str = "",
) -> AudiencePlan:
    """Return the plan of a newsletter's issues of a day that are still to be sent; without a day, of the next ones.

    With a `suffix`, like "announcement", it is that of an announcement of the day.
    """
    editions, now = (
        lookup.choose_languages(state.settings, newsletter, languages),
        state.clock.now(),
    )
    with state.database.reading() as connection:
        day = day or lookup.next_day(connection, state.settings, editions, now)
        found = lookup.find_day(connection, state.settings, editions, day, now, suffix)
        waiting = [one for one in found if one.issue.state in lookup.BEFORE_LEDGER]
        if not waiting:
            raise IssueError(
                f"{found[0].issue.name}: is {found[0].issue.state}; "
                f"`publisher issues report {newsletter} {day}` shows who got it"
            )
        at = max(now, min(one.sends_at for one in waiting))
        return make_plan(connection, state.settings, waiting, at)


def make_plan(
    connection: Connection, settings: Settings, waiting: Sequence[EditionIssue], at: datetime
) -> AudiencePlan:
    """Return the plan of some editions' issues of one day, as if their ledgers were opened at `at`."""
    newsletter = waiting[0].edition.newsletter
    members = load_members(connection, newsletter, at)
    audiences = {
        one.edition.language: load_issue_audience(connection, settings, one.issue, members, at)
        for one in waiting
        if one.issue.state in SELECTED_STATES
    }
    standings = count_standings(connection, newsletter, at)
    plan = AudiencePlan(
        newsletter=newsletter,
        day=waiting[0].issue.day,
        subscribers=sum(standings.values()),
        editions=[EditionPlan(planned=one) for one in waiting],
        suffix=waiting[0].issue.suffix,
    )
    counting = _Counting(
        plan=plan,
        languages=[one.language for one in settings.editions_of(newsletter)],
        providers=providers_of(settings.delivery),
        at=at,
        audiences=audiences,
        planned={one.issue.language: one for one in plan.editions},
    )
    limits = {one.issue.language: audience_limit(settings, one.issue) for one in waiting}
    by_hour = any(map(_is_by_hour, waiting))
    asked = (connection, newsletter, [*audiences.values()], at)
    counting.count(count_groups(*asked, limits=limits, by_domain=True, by_hour=by_hour))
    others = {str(one): n for one, n in standings.items() if one is not Standing.RECIPIENT}
    plan.excluded = +(plan.excluded + Counter(others))
    return plan


def _is_by_hour(one: EditionIssue) -> bool:
    return one.edition.local_time and one.issue.kind == IssueKind.REGULAR


@dataclass(slots=True, kw_only=True)
class _Counting:
    """Adds groups of recipients to a plan, of editions in `languages`. `planned` and so on are by language."""

    plan: AudiencePlan
    languages: Sequence[str]
    providers: Mapping[str, str]
    at: datetime
    planned: Mapping[str, EditionPlan]
    audiences: Mapping[str, IssueAudience]
    _variants: dict[str, set[object]] = field(default_factory=dict)

    def count(self, groups: Iterable[AudienceGroup]) -> None:
        for group in groups:
            self.add(group)
        elsewhere = {
            ELSEWHERE: self.plan.elsewhere.total(),
            UNSERVED: self.plan.unserved.total(),
        }
        self.plan.excluded = +Counter(elsewhere)

    def add(self, group: AudienceGroup) -> None:
        wanted = (group.language, *profile_from_text(group.profile).more_languages)
        served = serving_language(self.languages, wanted)
        if served is None:
            self.plan.unserved[group.language] += group.count
        elif served not in self.planned:
            self.plan.elsewhere[served] += group.count
        else:
            self._add_to(self.planned[served], group)

    def _add_to(self, plan: EditionPlan, group: AudienceGroup) -> None:
        if group.is_outside(plan.issue.language):
            plan.withheld[OUTSIDE.key] += group.count
            return
        audience = self.audiences.get(plan.issue.language)
        portion = group.portion_of(audience) if audience else None
        if portion and portion.cause:
            plan.withheld[portion.cause.key] += group.count
            return
        plan.kinds[self._kind(plan.issue.language, portion)] += group.count
        plan.variants = len(self._variants.get(plan.issue.language, ()))
        plan.languages[group.language] += group.count
        plan.instants[self._instant(group, plan)] += group.count
        domain = group.domain or ""
        plan.providers[self.providers.get(domain, domain)] += group.count

    def _kind(self, language: str, portion: Portion | None) -> str:
        if portion is None:
            return UNDECIDED
        if portion.content is None:
            return DIGEST
        self._variants.setdefault(language, set()).add(portion.content)
        return VARIANT

    def _instant(self, group: AudienceGroup, plan: EditionPlan) -> datetime:
        one = plan.planned
        if not _is_by_hour(one):
            return max(self.at, one.sends_at)
        return local_due_at(one.edition, one.issue.day, group.timezone, group.hour, self.at)
