"""The plan of an issue before it is sent: who gets which language when, and why others get nothing.

The counts add up to all subscribers on record, and are those of the ledger if that is opened at the
same instant: both follow `publisher.delivery.ledger.audience`. All languages of a newsletter's day are
one plan, in which each subscriber counts once, at the edition that serves her. What another issue
will bring first that is not being sent yet can't be known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from publisher.app.issue_days import (
    BEFORE_LEDGER,
    DayEdition,
    choose_languages,
    find_day,
    next_day,
)
from publisher.app.plan_values import (
    DIGEST,
    ELSEWHERE,
    REASONS,
    UNDECIDED,
    UNSERVED,
    VARIANT,
    AudiencePlan,
    EditionPlan,
    is_plan_hash,
    plan_hash,
)
from publisher.delivery.ledger.audience import (
    IssueAudience,
    Portion,
    load_issue_audience,
    load_members,
)
from publisher.delivery.ledger.audience_groups import AudienceGroup, count_groups
from publisher.delivery.ledger.local_times import local_due_at
from publisher.delivery.rates.limits import providers_of
from publisher.errors import IssueError
from publisher.issues.model import SELECTED_STATES
from publisher.issues.selection import serving_language
from subscribers import Standing, count_standings
from subscribers.profiles import profile_from_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.app.editing_state import EditingState
    from publisher.config import Settings

# What callers import, with the values of other packages that they get.
__all__ = [
    "REASONS",
    "AudiencePlan",
    "EditionPlan",
    "is_plan_hash",
    "make_plan",
    "plan_audience",
    "plan_hash",
]


def plan_audience(
    state: EditingState, newsletter: str, day: date | None, languages: Collection[str] = ()
) -> AudiencePlan:
    """Return the plan of a newsletter's issues of a day, without a day of the next ones.

    Raise UsageError for an unknown newsletter or language, and IssueError if no issue of that day is
    still to be sent.
    """
    editions, now = choose_languages(state.settings, newsletter, languages), state.clock.now()
    with state.database.reading() as connection:
        day = day or next_day(connection, state.settings, editions, now)
        found = find_day(connection, state.settings, editions, day, now)
        waiting = [one for one in found if one.state in BEFORE_LEDGER]
        if not waiting:
            raise IssueError(
                f"{found[0].name}: is {found[0].state}; "
                f"`publisher issues report {newsletter} {day}` shows who got it"
            )
        at = max(now, min(one.due_at for one in waiting))
        return make_plan(connection, state.settings, waiting, at)


def make_plan(
    connection: Connection, settings: Settings, waiting: Sequence[DayEdition], at: datetime
) -> AudiencePlan:
    """Return the plan of some editions' issues of one day, as if their ledgers were opened at `at`."""
    newsletter = waiting[0].edition.newsletter
    members = load_members(connection, newsletter, at)
    audiences = {
        one.edition.language: load_issue_audience(connection, settings, one.issue, members, at)
        for one in waiting
        if one.issue and one.state in SELECTED_STATES
    }
    by_hour = any(one.edition.local_time for one in waiting)
    groups = count_groups(
        *(connection, newsletter, [*audiences.values()], at), by_domain=True, by_hour=by_hour
    )
    standings = count_standings(connection, newsletter, at)
    counting = _Counting(
        editions=[one.language for one in settings.editions_of(newsletter)],
        providers=providers_of(settings.delivery),
        at=at,
        planned={one.edition.language: _new_edition_plan(one) for one in waiting},
        issues={one.edition.language: one for one in waiting},
        audiences=audiences,
    )
    for group in groups:
        counting.add(group)
    return counting.plan(newsletter, waiting[0].day, standings)


def _new_edition_plan(one: DayEdition) -> EditionPlan:
    return EditionPlan(issue=one.name, language=one.edition.language, due_at=one.due_at)


@dataclass(slots=True, kw_only=True)
class _Counting:
    """Adds groups of recipients to the plan. All but the editions' languages is by their languages."""

    editions: Sequence[str]
    providers: Mapping[str, str]
    at: datetime
    planned: Mapping[str, EditionPlan]
    issues: Mapping[str, DayEdition]
    audiences: Mapping[str, IssueAudience]
    elsewhere: Counter[str] = field(default_factory=Counter)
    unserved: Counter[str] = field(default_factory=Counter)
    _variants: dict[str, set[object]] = field(default_factory=dict)

    def add(self, group: AudienceGroup) -> None:
        """Count a group where its recipients belong."""
        wanted = (group.language, *profile_from_text(group.profile).more_languages)
        served = serving_language(self.editions, wanted)
        if served is None:
            self.unserved[group.language] += group.count
        elif served not in self.planned:
            self.elsewhere[served] += group.count
        else:
            self._add_to(self.planned[served], group)

    def _add_to(self, plan: EditionPlan, group: AudienceGroup) -> None:
        audience = self.audiences.get(plan.language)
        portion = group.portion_of(audience) if audience else None
        if portion and portion.cause:
            plan.withheld[portion.cause.key] += group.count
            return
        plan.kinds[self._kind(plan.language, portion)] += group.count
        plan.variants = len(self._variants.get(plan.language, ()))
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
        one = self.issues[plan.language]
        if not one.edition.local_time:
            return max(self.at, one.due_at)
        return local_due_at(one.edition, one.day, group.timezone, group.hour, self.at)

    def plan(
        self, newsletter: str, day: date, standings: Mapping[Standing, int]
    ) -> AudiencePlan:
        """Return all that was counted, and those who get nothing whatever the issue."""
        excluded = Counter(
            {str(one): n for one, n in standings.items() if one is not Standing.RECIPIENT and n}
        )
        excluded |= Counter(
            {ELSEWHERE: self.elsewhere.total(), UNSERVED: self.unserved.total()}
        )
        return AudiencePlan(
            newsletter=newsletter,
            day=day,
            subscribers=sum(standings.values()),
            editions=[*self.planned.values()],
            excluded=+excluded,
            elsewhere=self.elsewhere,
            unserved=self.unserved,
        )
