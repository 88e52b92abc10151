"""The calendar of all newsletters and languages, of issues that were made and occurrences to come, as values and as a file.

What is to come is what the planner will make, by the planner's own functions. The file (iCalendar, RFC 5545) has an
address for each account; an event keeps its UID when its issue is moved.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from publisher.accounts.api_keys import feed_token, read_feed_token, renew_feed_tokens
from publisher.accounts.model import Actor, Permission, account_actor
from publisher.app.editing_state import EditingState
from publisher.config import Settings
from publisher.errors import AccountError, UsageError
from publisher.ingest.reports import source_facts
from publisher.issues import planner, schedule
from publisher.issues.model import Issue, IssueKind, IssueState

if TYPE_CHECKING:
    from icalendar import Event

# Two days cover all time zones, on both sides of a range of days.
_MARGIN = timedelta(days=2)
_EARLIEST_YEAR = 1971
_CLOSE = timedelta(hours=1)
# Nobody looks further ahead, and each day until then is computed.
MAX_DAYS = 1500
_MAX_YEARS_AHEAD = 10
_BY_TIME = attrgetter("issue.due_at", "issue.newsletter", "issue.language", "issue.day")
PLANNED = "planned"
NOT_SENT = frozenset({IssueState.SKIPPED.value, IssueState.CANCELLED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEntry:
    """An issue, or an occurrence as the issue that it will be; "skipped" is of both.

    `at` is the local time of sending. With `local_time` that is the hour of each subscriber, and the issue is
    assembled at its `due_at`. `scheduled_at` is set if it was moved. `is_overdue` says that the next cycle makes it.
    `conflicts_with` are days of the same edition within an hour.
    """

    issue: Issue
    at: datetime
    shifted: Literal["gap", "fold"] | None = None
    local_time: bool = False
    scheduled_at: datetime | None = None
    change: schedule.OccurrenceChange | None = None
    is_overdue: bool = False
    conflicts_with: tuple[date, ...] = ()

    @property
    def state(self) -> str:
        is_planned = not self.issue.id and self.issue.state is IssueState.SCHEDULED
        return PLANNED if is_planned else self.issue.state

    @property
    def timezone(self) -> str:
        return str(self.at.tzinfo)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A day on which a time zone's offset from UTC changes."""

    timezone: str
    day: date
    before: timedelta
    after: timedelta


@dataclass(frozen=True, slots=True)
class Calendar:
    """The entries of a range of days, by time; `ignored` changes are of days that no schedule has.

    `waiting` are drafts and documents that wait for a date, whatever the range. `drafts_by_name` is the
    number of those that a site leaves out by folder or name, and that are not read.
    """

    first: date
    last: date
    entries: tuple[CalendarEntry, ...]
    clock_changes: tuple[ClockChange, ...]
    ignored: tuple[schedule.OccurrenceChange, ...]
    waiting: tuple[source_facts.WaitingDocument, ...]
    drafts_by_name: int


def read_calendar(state: EditingState, first: date, last: date) -> Calendar:
    """Return days from `first` through `last`, at most MAX_DAYS. Raise UsageError for a year that is too early or too late."""
    settings, now = state.settings, state.clock.now()
    _check_year(first, now)
    last = min(last, first + timedelta(days=MAX_DAYS - 1))
    since = datetime.combine(first, time(), UTC) - _MARGIN
    until = datetime.combine(last, time(), UTC) + _MARGIN
    with state.database.reading() as connection:
        record = planner.read_planning(connection, settings)
        issues = schedule.issues_due_between(connection, since, until)
        editions = list(planner.editions_to_plan(connection, settings))
        waiting = tuple(source_facts.waiting_documents(connection, now))
        drafts_by_name = source_facts.count_drafts_by_name(connection)
    for edition in editions:
        issues += planner.plan_occurrences(record, edition, now, until)
    found = calendar_entries(settings, record, issues, now)
    entries = [one for one in found if first <= one.at.date() <= last]
    zones = {edition.timezone for edition in editions}
    return Calendar(
        first,
        last,
        tuple(sorted(_with_conflicts(entries), key=_BY_TIME)),
        tuple(clock_changes(sorted(zones), first, last)),
        tuple(_ignored(settings, record, first, last)),
        waiting,
        drafts_by_name,
    )


def read_occurrence(
    state: EditingState, newsletter: str, day: date
) -> tuple[CalendarEntry, ...]:
    """Return what a newsletter has for a day of its schedule, in all languages, wherever it was moved."""
    _check_year(day, state.clock.now())
    with state.database.reading() as connection:
        changes = schedule.read_changes(connection)
    moved = [
        one.due_at.date()
        for (name, _language), found in changes.items()
        for one in found
        if name == newsletter and one.day == day and one.due_at
    ]
    first, last = (pick([day, *moved]) for pick in (min, max))
    calendar = read_calendar(state, first - _MARGIN, last + _MARGIN)
    return tuple(
        one
        for one in calendar.entries
        if (one.issue.newsletter, one.issue.day) == (newsletter, day)
    )


def _check_year(day: date, now: datetime) -> None:
    latest = now.year + _MAX_YEARS_AHEAD
    if not _EARLIEST_YEAR <= day.year <= latest:
        raise UsageError.saying(
            "%(day)s: choose a year from %(first)s to %(last)s",
            day=str(day),
            first=str(_EARLIEST_YEAR),
            last=str(latest),
        )


def calendar_entries(
    settings: Settings, record: planner.PlanningRecord, issues: Iterable[Issue], now: datetime
) -> Iterator[CalendarEntry]:
    """Yield the entries of issues, of occurrences that were skipped, and of what is to come."""
    for issue in issues:
        edition = settings.edition(issue.newsletter, issue.language)
        scheduled = change = None
        if issue.kind == IssueKind.REGULAR:
            scheduled = edition.occurrence_on(issue.day) if edition else None
            change = record.change_of(issue.newsletter, issue.language, issue.day)
        due = scheduled if scheduled and scheduled.due_at == issue.due_at else None
        at = edition.instant_of(issue.day, issue.due_at) if edition and due else issue.due_at
        yield CalendarEntry(
            issue=issue,
            at=at.astimezone(edition.zone if edition else settings.zone()),
            shifted=due.shifted if due else None,
            local_time=edition.local_time if edition else False,
            scheduled_at=scheduled.due_at if scheduled and change and change.due_at else None,
            change=change,
            is_overdue=not issue.id and issue.due_at <= now,
        )


def _with_conflicts(entries: Sequence[CalendarEntry]) -> Iterator[CalendarEntry]:
    """Yield entries, with those of the same edition that are sent within the same hour."""
    of_edition = attrgetter("issue.newsletter", "issue.language")
    ordered = sorted(
        entries, key=attrgetter("issue.newsletter", "issue.language", "issue.due_at")
    )
    for _key, group in groupby(ordered, key=of_edition):
        series = list(group)
        close: defaultdict[date, tuple[date, ...]] = defaultdict(tuple)
        for one, other in pairwise(filter(_is_counted, series)):
            if other.issue.due_at - one.issue.due_at < _CLOSE:
                close[one.issue.day] += (other.issue.day,)
                close[other.issue.day] += (one.issue.day,)
        yield from (replace(one, conflicts_with=close[one.issue.day]) for one in series)


def _is_counted(entry: CalendarEntry) -> bool:
    return entry.state not in NOT_SENT and entry.issue.kind == IssueKind.REGULAR


def clock_changes(timezones: Iterable[str], first: date, last: date) -> Iterator[ClockChange]:
    for name in timezones:
        zone, day = ZoneInfo(name), first
        while day <= last:
            following = day + timedelta(days=1)
            before, after = (
                datetime.combine(one, time(), zone).utcoffset() or timedelta()
                for one in (day, following)
            )
            if before != after:
                yield ClockChange(name, day, before, after)
            day = following


def _ignored(
    settings: Settings, record: planner.PlanningRecord, first: date, last: date
) -> Iterator[schedule.OccurrenceChange]:
    """Yield the changes without effect: the schedule, or its newsletter, is another one now."""
    for newsletter, language in record.changes:
        edition = settings.edition(newsletter, language)
        for change in record.changes[newsletter, language]:
            is_open = first <= change.day <= last and not change.is_planned
            if is_open and not (edition and schedule.changed_occurrence(edition, change)):
                yield change


_PURPOSE = "calendar"
_BEFORE, _AHEAD = timedelta(days=31), timedelta(days=366)


def calendar_token(state: EditingState, actor: Actor) -> str:
    """Return the token in the address of the actor's calendar. The terminal has none."""
    with state.database.reading() as connection:
        return feed_token(connection, state.secret, _PURPOSE, _account_id(actor))


def renew_private_addresses(state: EditingState, actor: Actor) -> None:
    number = _account_id(actor)
    with state.changing(actor, "renew private addresses", actor.name) as change:
        renew_feed_tokens(change.connection, number)


def _account_id(actor: Actor) -> int:
    if actor.account_id is None or actor.key is not None:
        raise AccountError.saying(
            "%(name)s: only somebody with an account has private addresses", name=actor.name
        )
    return actor.account_id


def calendar_of_token(state: EditingState, token: str) -> bytes | None:
    """Return the file for whoever has a token; None if nobody has it, or not the permission."""
    with state.database.reading() as connection:
        account = read_feed_token(connection, state.secret, _PURPOSE, token)
    if account is None or not account_actor(account, "").permits(Permission.VIEW):
        return None
    return write_current_calendar(state)


def write_current_calendar(state: EditingState) -> bytes:
    """Return the calendar from a month before today to a year after it as a file."""
    today = state.clock.now().astimezone(state.settings.zone()).date()
    return write_calendar(state, today - _BEFORE, today + _AHEAD)


def write_calendar(state: EditingState, first: date, last: date) -> bytes:
    """Return the calendar of a range of days as a file (RFC 5545)."""
    # Imported late: few commands write a calendar.
    from icalendar import Calendar

    publication = state.settings.publication
    title = publication.title(publication.default_language)
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//publisher//calendar//EN")
    calendar.add("name", title)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", timedelta(hours=1), {"value": "DURATION"})
    for entry in read_calendar(state, first, last).entries:
        calendar.add_component(_event(state.settings, entry))
    content: bytes = calendar.to_ical()
    return content


def _event(settings: Settings, entry: CalendarEntry) -> Event:
    from icalendar import Event

    issue, change, publication = entry.issue, entry.change, settings.publication
    edition = settings.edition(issue.newsletter, issue.language)
    title = edition.title(issue.language) if edition else issue.newsletter
    event = Event()
    event.add("uid", f"{issue.name}@{publication.host}")
    event.add("sequence", change.revision if change else 0)
    beginning = datetime(publication.since, 1, 1, tzinfo=UTC)
    event.add("dtstamp", change.changed_at if change else beginning)
    event.add("dtstart", entry.at.astimezone(UTC))
    event.add("duration", timedelta(minutes=15))
    event.add("summary", f"{title} ({issue.language})")
    if issue.reason:
        event.add("description", " ".join(issue.reason.split()))
    event.add("categories", [issue.newsletter, issue.language])
    event.add("status", _status(entry))
    event.add("transp", "TRANSPARENT")
    return event


def _status(entry: CalendarEntry) -> str:
    if entry.state in NOT_SENT:
        return "CANCELLED"
    return "TENTATIVE" if entry.state == PLANNED else "CONFIRMED"
