"""What became of every delivery of an issue: listed, reported in numbers, and decided if it is in doubt.

All counts of a report are made of one query, so they add up. No opening and no click is counted.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.issues import lookup
from publisher.app.issues.sending import changing_issue
from publisher.bounces.store import count_events_of_issue
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.causes import CAUSES, advise, cause_of, explain_delivery
from publisher.delivery.ledger import doubts, lifecycle
from publisher.delivery.ledger import reports as ledger
from publisher.delivery.ledger.doubts import Doubt
from publisher.delivery.ledger.lifecycle import RETRY_PERIOD, RETRYABLE_STATES, is_pruned
from publisher.delivery.rates.limits import providers_of
from publisher.delivery.states import (
    UNSENT_STATES,
    DeliveryState,
    reported_state,
    summarise_counts,
)
from publisher.errors import IssueError, UsageError
from publisher.issues.model import Issue, IssueState
from publisher.log import log
from publisher.mail.message import message_id_local_part
from publisher.secrets import load_secret, secret_adopted_at


@dataclass(frozen=True, slots=True)
class DoubtChoice:
    """Which deliveries in doubt are meant: by addresses and by Message-IDs without angle brackets. By default all."""

    addresses: Sequence[str] = ()
    message_ids: Collection[str] | None = None


ALL_DOUBTS = DoubtChoice()


@dataclass(frozen=True, slots=True)
class DoubtDecision:
    """How many deliveries were decided, the Message-IDs that are not in doubt, and whether the issue is paused."""

    count: int
    unknown: frozenset[str] = frozenset()
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """How many deliveries are tried again, how many are unwanted by now, and whether the issue is paused."""

    count: int
    unwanted: int
    is_paused: bool = False


def delivery_pages(
    settings: Settings, database: Database, name: str, states: Collection[DeliveryState] = ()
) -> Iterator[list[ledger.DeliveryRecord]]:
    """Yield an issue's deliveries in pages by subscriber, without states of who did not get it. A slow reader blocks no writer."""
    with database.reading() as connection:
        issue = lookup.require_issue(connection, name)
        lookup.require_rows(connection, settings, issue)
    after: int | None = 0
    while after is not None:
        with database.reading() as connection:
            page = ledger.list_deliveries(connection, issue, states, after)
        if page:
            yield page
        after = page[-1].subscriber_id if page else None


def list_in_doubt(settings: Settings, database: Database) -> list[tuple[Issue, str, Doubt]]:
    """Return all deliveries in doubt, with issue and Message-ID; the latter is empty if it may have been made with a former secret."""
    with database.reading() as connection:
        adopted_at = secret_adopted_at(connection)
        return [
            (issue, f"<{message_id}>" if doubt.is_of(adopted_at) else "", doubt)
            for issue in doubts.issues_in_doubt(connection)
            for message_id, doubt in _by_message_id(connection, settings, issue).items()
        ]


def decide_doubts(
    state: EditingState,
    actor: Actor,
    name: str,
    choice: DoubtChoice = ALL_DOUBTS,
    *,
    resend: bool,
) -> DoubtDecision:
    """Send deliveries in doubt again, with the same Message-IDs, or record them as sent; none if an address has no delivery in doubt."""
    verb = "resend doubts" if resend else "mark doubts as sent"
    decide = doubts.resend_doubts if resend else doubts.mark_doubts_sent
    with changing_issue(state, actor, verb, Permission.DECIDE_DOUBTS, name) as (change, issue):
        chosen, unknown = _choose(change.connection, state.settings, issue, choice)
        count = decide(change.connection, issue, chosen, state.clock.now())
        change.details["deliveries"] = count
        return DoubtDecision(count, unknown, issue.state is IssueState.PAUSED)


def retry_deliveries(
    state: EditingState,
    actor: Actor,
    name: str,
    states: Collection[DeliveryState] = (),
    causes: Collection[str] = (),
) -> RetryDecision:
    """Try deliveries again that have bounced or failed, of some states and causes or of all, with the same Message-IDs."""
    for key in causes:
        if key not in CAUSES:
            raise UsageError(f"{key}: no such cause; `publisher deliveries --json` shows them")
    for wrong in {*states} - {*RETRYABLE_STATES}:
        allowed = " and ".join(RETRYABLE_STATES)
        raise UsageError(f"{wrong}: can't be tried again; only {allowed} can")
    permission, now = Permission.DECIDE_DOUBTS, state.clock.now()
    with changing_issue(state, actor, "retry deliveries", permission, name) as (change, issue):
        connection = change.connection
        end = lifecycle.finished_at(connection, issue)
        if end is not None and now > end + RETRY_PERIOD:
            days = RETRY_PERIOD.days
            raise IssueError(
                f"{name}: was finished more than {days} days ago; it stays as it is"
            )
        chosen = states or RETRYABLE_STATES
        counts = lifecycle.retry_failed(connection, issue, chosen, causes, now)
        done = RetryDecision(*counts, issue.state is IssueState.PAUSED)
        change.details["deliveries"] = done.count
    log.info("deliveries tried again", issue=name, count=done.count, unwanted=done.unwanted)
    return done


def _choose(
    connection: Connection, settings: Settings, issue: Issue, choice: DoubtChoice
) -> tuple[Collection[int] | None, frozenset[str]]:
    """Return the subscribers who are meant, None for all, and the Message-IDs that are not in doubt."""
    # An empty list of Message-IDs chooses none.
    if not choice.addresses and choice.message_ids is None:
        return None, frozenset()
    found = _by_message_id(connection, settings, issue)
    wanted = frozenset(choice.message_ids or ())
    chosen = _of_addresses(found.values(), issue, choice.addresses)
    chosen += [found[one].subscriber_id for one in wanted & found.keys()]
    return chosen, wanted - found.keys()


def _by_message_id(
    connection: Connection, settings: Settings, issue: Issue
) -> dict[str, Doubt]:
    """Return an issue's deliveries in doubt by Message-ID, without the angle brackets."""
    secret, domain = load_secret(settings), settings.publication.sender.domain
    return {
        f"{message_id_local_part(secret, issue, doubt.subscriber_id)}@{domain}": doubt
        for doubt in doubts.list_doubts(connection, issue)
    }


def _of_addresses(
    found: Collection[Doubt], issue: Issue, addresses: Sequence[str]
) -> list[int]:
    """Return the subscribers of these addresses; raise UsageError for one not in doubt."""
    known = {one.address.lower(): one.subscriber_id for one in found if one.address}
    for address in addresses:
        if address.lower() not in known:
            raise UsageError(f"{address}: nothing of {issue.name} is in doubt there")
    return [known[address.lower()] for address in addresses]


_MOST_WORDS = 3  # words of servers that are shown with each cause
# Why nothing became of an issue whose hour has passed.
NOT_MADE_YET = "its hour has passed and no cycle has made it yet; `publisher status` says why"
ERASED = ""  # the provider of subscribers who were erased


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseReport:
    """How many deliveries have a state of `IssueReport.counts` for one cause. `words` are what servers said, of strangers."""

    state: str
    key: str
    sentence: str
    advice: str
    count: int
    words: Sequence[str] = ()

    def as_dict(self) -> dict[str, Any]:
        shown = {"state": self.state, "cause": self.key, "reason": self.sentence}
        return shown | {"advice": self.advice, "count": self.count, "words": [*self.words]}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueReport:
    """What became of one issue. `returned` are reports that came back later; with `only_counts`, who got it was deleted since."""

    issue: Issue
    counts: Mapping[str, int]
    providers: Mapping[str, Mapping[str, int]]
    causes: Sequence[CauseReport]
    returned: Mapping[str, int]
    # Who left after it; None if the rows are deleted.
    unsubscribed: int | None
    only_counts: bool

    @property
    def planned(self) -> int:
        """All deliveries; 0 before the ledger is opened."""
        return sum(self.counts.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "issue": self.issue.name,
            "language": self.issue.language,
            "state": self.issue.state,
            "reason": self.issue.reason,
            "planned": self.planned,
            **self.counts,
            "providers": {name: dict(self.providers[name]) for name in sorted(self.providers)},
            "causes": [one.as_dict() for one in self.causes],
            "returned": dict(self.returned),
            "unsubscribed": self.unsubscribed,
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
        return dict(sum((Counter(one.counts) for one in self.issues), Counter[str]()))

    @property
    def planned(self) -> int:
        return sum(one.planned for one in self.issues)

    @property
    def providers(self) -> dict[str, Counter[str]]:
        """The counts by mail provider, the largest first."""
        found: dict[str, Counter[str]] = {}
        for one in self.issues:
            for name, counts in one.providers.items():
                found.setdefault(name, Counter()).update(counts)
        return dict(sorted(found.items(), key=lambda one: (-one[1].total(), one[0])))

    def as_dict(self) -> dict[str, Any]:
        return {
            "newsletter": self.newsletter,
            "day": self.day.isoformat(),
            "planned": self.planned,
            **summarise_counts({}),
            **self.counts,
            "issues": [one.as_dict() for one in self.issues],
        }


def used_states(lines: Collection[Mapping[str, int]]) -> list[str]:
    """Return the states of some lines of counts, without those that none has."""
    states = dict.fromkeys(state for line in lines for state in line)
    return [state for state in states if any(line[state] for line in lines)]


def report_day(
    state: EditingState,
    newsletter: str,
    day: date,
    languages: Collection[str] = (),
    suffix: str = "",
) -> DayReport:
    """Return what became of a day's issues, or of its corrections or announcements with a suffix. Raise UsageError for unknown names, IssueError if there was none."""
    editions = lookup.choose_languages(state.settings, newsletter, languages)
    now = state.clock.now()
    with state.database.reading() as connection:
        found = lookup.find_day(connection, state.settings, editions, day, now, suffix)
        reports = [
            _of_issue(connection, state.settings, _with_reason(one.issue, now)) for one in found
        ]
    return DayReport(newsletter=editions[0].newsletter, day=day, issues=reports)


def report_issues(state: EditingState, names: Sequence[str]) -> DayReport:
    """Return what became of some issues of one newsletter and day. Raise UsageError if there is none of a name."""
    with state.database.reading() as connection:
        found = [lookup.require_issue(connection, name) for name in names]
        reports = [_of_issue(connection, state.settings, issue) for issue in found]
    return DayReport(newsletter=found[0].newsletter, day=found[0].day, issues=reports)


def report_issue(state: EditingState, name: str) -> IssueReport:
    return report_issues(state, [name]).issues[0]


def _with_reason(issue: Issue, now: datetime) -> Issue:
    is_overdue = not issue.id and issue.due_at <= now
    return replace(issue, reason=NOT_MADE_YET) if is_overdue else issue


def _of_issue(connection: Connection, settings: Settings, issue: Issue) -> IssueReport:
    outcomes = ledger.count_outcomes(connection, issue.id)
    providers = providers_of(settings.delivery)
    by_provider: dict[str, Counter[str]] = {}
    for one in outcomes:
        name = ERASED if one.domain is None else providers.get(one.domain, one.domain)
        by_provider.setdefault(name, Counter())[one.state] += one.count
    return IssueReport(
        issue=issue,
        counts=summarise_counts(sum(by_provider.values(), Counter())),
        providers={name: summarise_counts(count) for name, count in by_provider.items()},
        causes=[*_causes(connection, issue, outcomes)],
        returned=count_events_of_issue(connection, issue.id),
        unsubscribed=ledger.count_unsubscribed(connection, issue),
        only_counts=is_pruned(connection, issue.id),
    )


def _causes(
    connection: Connection, issue: Issue, outcomes: Iterable[ledger.OutcomeCount]
) -> Iterable[CauseReport]:
    found: Counter[tuple[str, str | None]] = Counter()
    for one in outcomes:
        if one.state is not DeliveryState.SENT and (
            one.reason_key or one.state in UNSENT_STATES
        ):
            found[reported_state(one.state), one.reason_key] += one.count
    for (state, key), count in found.most_common():
        cause = cause_of(key)
        words = (
            ledger.frequent_words(connection, issue.id, DeliveryState(state), key, _MOST_WORDS)
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
