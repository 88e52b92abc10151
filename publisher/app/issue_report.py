"""Reports of issues: what became of every delivery that was planned, by language, provider and cause.

All counts of an issue are made of one query, so they add up: planned is what was sent, what is deferred,
bounced, failed, in doubt, suppressed or cancelled, and what waits. No opening and no click is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from publisher.app.issue_days import DayEdition, choose_languages, find_day
from publisher.app.issues import require_issue
from publisher.bounces.store import count_events_of_issue
from publisher.delivery.causes import advise, cause_of, explain_delivery
from publisher.delivery.ledger.counts import is_pruned
from publisher.delivery.ledger.reports import OutcomeCount, count_outcomes, frequent_words
from publisher.delivery.rates.limits import providers_of
from publisher.delivery.states import UNSENT_STATES, DeliveryState, summarise_counts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.app.editing_state import EditingState
    from publisher.config import Settings
    from publisher.issues.model import Issue

# Words of servers that are shown with each cause.
_MOST_WORDS = 3
# Why nothing became of an issue whose hour has passed.
NOT_MADE_YET = "its hour has passed and no cycle has made it yet; `publisher status` says why"
# The provider of subscribers who were erased.
ERASED = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseReport:
    """How many deliveries have a state for one cause. `words` are what servers said, of strangers."""

    state: DeliveryState
    key: str
    sentence: str
    advice: str
    count: int
    words: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        shown = {"state": self.state.value, "cause": self.key, "reason": self.sentence}
        return shown | {"advice": self.advice, "count": self.count, "words": [*self.words]}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueReport:
    """What became of one issue. `counts` are by state, as `summarise_counts` names them.

    `providers` has such counts by mail provider, `returned` the reports that came back later. With
    `only_counts`, who got it was deleted since (`delivery.keep_deliveries`).
    """

    name: str
    language: str
    state: str
    reason: str | None
    counts: Mapping[str, int] = field(default_factory=lambda: summarise_counts({}))
    providers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    causes: Sequence[CauseReport] = ()
    returned: Mapping[str, int] = field(default_factory=dict)
    only_counts: bool = False

    @property
    def planned(self) -> int:
        """All deliveries; 0 before the ledger is opened."""
        return sum(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "issue": self.name,
            "language": self.language,
            "state": self.state,
            "reason": self.reason,
            "planned": self.planned,
            **self.counts,
            "providers": {name: dict(self.providers[name]) for name in sorted(self.providers)},
            "causes": [one.as_dict() for one in self.causes],
            "returned": dict(self.returned),
            "only_counts": self.only_counts,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """What became of all issues of a newsletter's day."""

    newsletter: str
    day: date
    issues: Sequence[IssueReport]

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all issues together."""
        return dict(sum((Counter(one.counts) for one in self.issues), Counter[str]()))

    @property
    def planned(self) -> int:
        """All deliveries of all issues."""
        return sum(one.planned for one in self.issues)

    @property
    def providers(self) -> dict[str, Counter[str]]:
        """The counts of all issues by mail provider."""
        found: dict[str, Counter[str]] = {}
        for one in self.issues:
            for name, counts in one.providers.items():
                found.setdefault(name, Counter()).update(counts)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "newsletter": self.newsletter,
            "day": self.day.isoformat(),
            "planned": self.planned,
            **summarise_counts({}),
            **self.counts,
            "issues": [one.as_dict() for one in self.issues],
        }


def report_day(
    state: EditingState, newsletter: str, day: date, languages: Collection[str] = ()
) -> DayReport:
    """Return what became of a newsletter's issues of a day, in some languages or in all.

    Raise UsageError for an unknown newsletter or language, IssueError if there was none that day.
    """
    editions = choose_languages(state.settings, newsletter, languages)
    with state.database.reading() as connection:
        found = find_day(connection, state.settings, editions, day, state.clock.now())
        now = state.clock.now()
        reports = [_of_day(connection, state.settings, one, now) for one in found]
    return DayReport(newsletter=editions[0].newsletter, day=day, issues=reports)


def report_issues(state: EditingState, names: Sequence[str]) -> DayReport:
    """Return what became of some issues of one newsletter and day, such as those of a correction.

    Raise UsageError if there is none of a name.
    """
    with state.database.reading() as connection:
        found = [require_issue(connection, name) for name in names]
        reports = [_of_issue(connection, state.settings, issue) for issue in found]
    return DayReport(newsletter=found[0].newsletter, day=found[0].day, issues=reports)


def report_issue(state: EditingState, name: str) -> IssueReport:
    """Return what became of one issue; raise UsageError if there is none of that name."""
    with state.database.reading() as connection:
        return _of_issue(connection, state.settings, require_issue(connection, name))


def _of_day(
    connection: Connection, settings: Settings, one: DayEdition, now: datetime
) -> IssueReport:
    if one.issue:
        return _of_issue(connection, settings, one.issue)
    reason = NOT_MADE_YET if one.due_at <= now else None
    return IssueReport(
        name=one.name, language=one.edition.language, state=one.state, reason=reason
    )


def _of_issue(connection: Connection, settings: Settings, issue: Issue) -> IssueReport:
    outcomes = count_outcomes(connection, issue.id)
    providers = providers_of(settings.delivery)
    by_provider: dict[str, Counter[str]] = {}
    for one in outcomes:
        name = ERASED if one.domain is None else providers.get(one.domain, one.domain)
        by_provider.setdefault(name, Counter())[one.state] += one.count
    return IssueReport(
        name=issue.name,
        language=issue.language,
        state=issue.state,
        reason=issue.reason,
        counts=summarise_counts(sum(by_provider.values(), Counter())),
        providers={name: summarise_counts(count) for name, count in by_provider.items()},
        causes=[*_causes(connection, issue, outcomes)],
        returned=count_events_of_issue(connection, issue.id),
        only_counts=is_pruned(connection, issue.id),
    )


def _causes(
    connection: Connection, issue: Issue, outcomes: Iterable[OutcomeCount]
) -> Iterable[CauseReport]:
    found: Counter[tuple[DeliveryState, str | None]] = Counter()
    for one in outcomes:
        if one.state is not DeliveryState.SENT and (
            one.reason_key or one.state in UNSENT_STATES
        ):
            found[one.state, one.reason_key] += one.count
    for (state, key), count in found.most_common():
        cause = cause_of(key)
        words = (
            frequent_words(connection, issue.id, state, key, _MOST_WORDS)
            if state in UNSENT_STATES
            else ()
        )
        yield CauseReport(
            state=state,
            key=cause.key,
            sentence=explain_delivery(state, cause.key) or cause.sentence,
            advice=advise(state, cause.key),
            count=count,
            words=words,
        )
