"""Issues in lines, each in all its languages: those of a month, what is to come among them, or those with words in a subject. Reads only."""

from calendar import Calendar as Weeks
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select, tuple_

from publisher.app.editing_state import EditingState
from publisher.app.issues import calendar
from publisher.app.issues.lookup import BEFORE_LEDGER, same_issues
from publisher.database.metadata import UTCDateTime
from publisher.delivery.ledger.audience import count_groups
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.issues import planner
from publisher.issues.digests import subjects_and_warnings
from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.selection import serving_language
from publisher.issues.tables import digest_table, issue_table
from subscribers.preferences import profile_from_text

_DAY = timedelta(days=1)
# What is listed: a newsletter, a language and a state, each empty for all. A line is listed if one of its languages is in the state.
LINE_FILTERS = ("newsletter", "language", "state")
_Wanted = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedIssue:
    """An issue on a local day, in the publication's order of languages; `subjects` are by language. `recipients` get it, or would by now."""

    day: date
    entries: tuple[calendar.CalendarEntry, ...]
    subjects: Mapping[str, str]
    recipients: int

    @property
    def issue(self) -> Issue:
        return self.entries[0].issue

    @property
    def states(self) -> Counter[str]:
        return Counter(one.state for one in self.entries)

    @property
    def is_skipped(self) -> bool:
        return [*self.states] == [IssueState.SKIPPED]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMonth:
    """A month in whole weeks from Monday. `earlier` and `later` are days of the months around it that have something."""

    first: date
    weeks: list[list[date]]
    calendar: calendar.Calendar
    lines: Sequence[ListedIssue]
    earlier: date
    later: date


def read_issue_month(state: EditingState, day: date, wanted: _Wanted) -> IssueMonth:
    """Return the issues of the month that a day is in. Raise UsageError for a year that is too early or too late."""
    first, weeks = day.replace(day=1), Weeks().monthdatescalendar(day.year, day.month)
    shown = calendar.read_calendar(state, weeks[0][0], weeks[-1][-1])
    with state.database.reading() as connection:
        lines = _lines(connection, state, _of(wanted, shown.entries))
        earlier, later = _months_around(connection, state, first, wanted)
    return IssueMonth(
        first=first,
        weeks=weeks,
        calendar=shown,
        lines=[one for one in lines if not wanted["state"] or wanted["state"] in one.states],
        earlier=earlier,
        later=later,
    )


def _months_around(
    connection: Connection, state: EditingState, first: date, wanted: _Wanted
) -> tuple[date, date]:
    """Return days of the nearest months before and after one that have issues. Those to come all have."""
    zone, due = state.settings.zone(), issue_table.c.due_at
    this = state.clock.now().astimezone(zone).date().replace(day=1)
    after = (first + 31 * _DAY).replace(day=1)
    start, end = (datetime.combine(one, time(), zone) for one in (first, after))
    query = select(func.max(due).filter(due < start), func.min(due).filter(due >= end))
    found = connection.execute(query.where(*_conditions(wanted))).one()
    last, following = (at and at.astimezone(zone).date() for at in found)
    earlier = last if last and first <= this else first - _DAY
    return earlier, after if first >= this else min(following or this, this)


def search_issue_lines(
    state: EditingState,
    words: str,
    wanted: _Wanted,
    most: int,
    before: tuple[datetime, int] | None = None,
) -> tuple[list[ListedIssue], tuple[datetime, int] | None]:
    """Return the latest issues with words in a subject, and the place before which further ones stand; None at the end."""
    table, subject = issue_table.c, digest_table.c.subject
    place = func.max(table.due_at), func.min(table.id)
    # Some databases compare no letters but those of ASCII without their case.
    forms = sorted({words, words.lower(), words.upper(), words.capitalize()})
    query = (
        select(*place)
        .join(digest_table, digest_table.c.issue_id == table.id)
        .where(or_(*(subject.icontains(one, autoescape=True) for one in forms)))
        .where(*_conditions(wanted))
        .group_by(*table["newsletter", "day", "serial", "kind"])
        .order_by(*(one.desc() for one in place))
        .limit(most + 1)
    )
    if before is not None:
        limit = tuple_(literal(before[0], UTCDateTime), literal(before[1]))
        query = query.having(tuple_(*place) < limit)
    with state.database.reading() as connection:
        places = [(at, number) for at, number in connection.execute(query)]
        issues = same_issues(connection, [number for _at, number in places[:most]])
        record, now = planner.read_planning(connection, state.settings), state.clock.now()
        entries = calendar.calendar_entries(state.settings, record, issues, now)
        lines = _lines(connection, state, _of(wanted, entries))
    return lines[::-1], places[most - 1] if len(places) > most else None


def _conditions(wanted: _Wanted) -> list[ColumnElement[bool]]:
    """Return what rows have to be; skipped ones are only if they are asked for."""
    found = [issue_table.c[name] == value for name, value in wanted.items() if value]
    return found if wanted["state"] else [*found, issue_table.c.state != IssueState.SKIPPED]


def _of(
    wanted: _Wanted, entries: Iterable[calendar.CalendarEntry]
) -> list[calendar.CalendarEntry]:
    """Return the entries of a newsletter and language, in whatever state."""
    return [
        one
        for one in entries
        if wanted["newsletter"] in {"", one.issue.newsletter}
        and wanted["language"] in {"", one.issue.language}
    ]


def _lines(
    connection: Connection, state: EditingState, entries: Iterable[calendar.CalendarEntry]
) -> list[ListedIssue]:
    order = {tag: place for place, tag in enumerate(state.settings.publication.languages)}
    lines: defaultdict[tuple[object, ...], list[calendar.CalendarEntry]] = defaultdict(list)
    for one in sorted(entries, key=lambda one: order.get(one.issue.language, len(order))):
        issue = one.issue
        key = issue.newsletter, issue.day, issue.serial, issue.kind
        lines[one.at.date(), *key].append(one)
    issues = [one.issue for same in lines.values() for one in same]
    frozen = subjects_and_warnings(connection, [one.id for one in issues if one.id])
    recipients = _recipients(connection, state, issues)
    found = [
        ListedIssue(
            day=same[0].at.date(),
            entries=tuple(same),
            subjects={
                one.issue.language: frozen[one.issue.id][0]
                for one in same
                if one.issue.id in frozen
            },
            recipients=sum(recipients.get(one.issue.name, 0) for one in same),
        )
        for same in lines.values()
    ]
    return sorted(found, key=lambda one: (one.day, min(e.issue.due_at for e in one.entries)))


def _recipients(
    connection: Connection, state: EditingState, issues: Sequence[Issue]
) -> dict[str, int]:
    """Return by an issue's name how many got it, or would get it by now; not of those to come with an audience of their own."""
    idle = {*BEFORE_LEDGER, IssueState.SKIPPED}
    counts = count_deliveries(connection, [one.id for one in issues if one.state not in idle])
    coming = [
        one
        for one in issues
        if one.state in BEFORE_LEDGER and one.kind != IssueKind.CORRECTION and not one.audience
    ]
    served = count_of_editions(connection, state, {one.newsletter for one in coming})
    return {one.name: served[one.newsletter, one.language] for one in coming} | {
        one.name: counts[one.id].total() for one in issues if one.id in counts
    }


def count_of_editions(
    connection: Connection, state: EditingState, newsletters: Iterable[str]
) -> Counter[tuple[str, str]]:
    """Return how many subscribers each edition of some newsletters serves now; nothing of a limited one, whose plan counts them."""
    served: Counter[tuple[str, str]] = Counter()
    for newsletter in newsletters:
        editions = {one.language: one for one in state.settings.editions_of(newsletter)}
        for group in count_groups(connection, newsletter, (), state.clock.now(), limits={}):
            chosen = (group.language, *profile_from_text(group.profile).more_languages)
            language = serving_language([*editions], chosen)
            if language and not editions[language].only:
                served[newsletter, language] += group.count
    return served
