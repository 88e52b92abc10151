"""The list and what was mailed to it, in numbers, for pages, programs and the terminal.

Nothing of it is tracked: no opening and no click is counted. A large list is counted by a cycle, once an hour.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from publisher.app.editing_state import EditingState
from publisher.bounces.store import count_events_of_issue
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger.already_sent import OPENED_STATES
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.reports import count_unsubscribed
from publisher.delivery.states import DeliveryState
from publisher.issues.selection import serving_language
from publisher.issues.store import issues_where
from publisher.issues.tables import issue_table
from subscribers import numbers
from subscribers.numbers import ListNumbers, WeekCount
from subscribers.store import count_all_subscribers

# Up to so many subscribers are counted whenever somebody looks: in some tenths of a second.
_MOST_COUNTED_AT_ONCE = 50_000
_COUNT_IS_KEPT = timedelta(hours=1)
# Reports of returned mail that say that it did not arrive.
_RETURNED = ("dead", "soft", "blocked")


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageCount:
    """Who has a newsletter and has chosen a language first: all, and by the language in which its issues come."""

    newsletter: str
    language: str
    subscribers: int = 0
    paused: int = 0
    in_first: int = 0
    in_another: int = 0
    in_none: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCount:
    """What became of an issue. `unsubscribed` is None if its deliveries are deleted; `week` is its Monday."""

    issue: str
    newsletter: str
    language: str
    day: date
    week: str
    planned: int
    sent: int
    bounced: int
    returned: int
    complaints: int
    unsubscribed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationNumbers:
    """The counts of the list, with its subscriptions as they are served, and of the issues of a year, the latest first."""

    counted: ListNumbers
    subscriptions: Sequence[LanguageCount]
    issues: Sequence[IssueCount]

    @property
    def tables(self) -> dict[str, tuple[type, Sequence[Any]]]:
        """The rows of each table, and their class, by the name that a file of it has."""
        return {
            "subscriptions": (LanguageCount, self.subscriptions),
            "weeks": (WeekCount, self.counted.weeks),
            "issues": (IssueCount, self.issues),
        }

    def as_dict(self) -> dict[str, Any]:
        counted = asdict(self.counted)
        del counted["subscriptions"], counted["weeks"]
        tables = {
            name: [_for_json(row) for row in rows] for name, (_, rows) in self.tables.items()
        }
        return counted | tables


def _for_json(row: Any) -> dict[str, Any]:
    values = asdict(row).items()
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in values
    }


def read_numbers(state: EditingState) -> PublicationNumbers:
    """Return all numbers. Those of a large list are of its last count, which says when that was."""
    settings, now = state.settings, state.clock.now()
    with state.database.reading() as connection:
        counted = None
        if count_all_subscribers(connection) > _MOST_COUNTED_AT_ONCE:
            counted = numbers.load_list_numbers(connection)
        counted = counted or numbers.count_list(connection, now, settings.zone())
        served = count_served(settings, counted)
        issues = _count_issues(connection, settings, now)
    return PublicationNumbers(counted=counted, subscriptions=served, issues=issues)


def count_large_list(settings: Settings, database: Database, now: datetime) -> bool:
    """Count a large list and store it, once an hour. Return whether it was counted."""
    with database.reading() as connection:
        last = numbers.load_list_numbers(connection)
        is_kept = last is not None and last.age(now) < _COUNT_IS_KEPT
        if is_kept or count_all_subscribers(connection) <= _MOST_COUNTED_AT_ONCE:
            return False
        counted = numbers.count_list(connection, now, settings.zone())
    with database.writing() as connection:
        numbers.store_list_numbers(connection, counted)
    return True


def count_served(settings: Settings, counted: ListNumbers) -> list[LanguageCount]:
    """Return by newsletter and first language in which of their languages people are served. Pure."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in counted.subscriptions:
        language = row.languages[0]
        editions = [one.language for one in settings.editions_of(row.newsletter)]
        if serving_language(editions, [language]):
            served = "in_first"
        else:
            served = "in_another" if serving_language(editions, row.languages) else "in_none"
        sums = found.setdefault((row.newsletter, language), {})
        for name, count in (
            ("subscribers", row.count),
            ("paused", row.paused),
            (served, row.count),
        ):
            sums[name] = sums.get(name, 0) + count
    return [
        LanguageCount(newsletter=newsletter, language=language, **sums)
        for (newsletter, language), sums in found.items()
    ]


def _count_issues(
    connection: Connection, settings: Settings, now: datetime
) -> list[IssueCount]:
    since = now - timedelta(weeks=numbers.WEEKS)
    opened = (issue_table.c.state.in_(OPENED_STATES), issue_table.c.due_at >= since)
    issues = issues_where(connection, *opened, order=(issue_table.c.due_at.desc(),))
    counts = count_deliveries(connection, [issue.id for issue in issues])
    found = []
    for issue in issues:
        reports, count = count_events_of_issue(connection, issue.id), counts[issue.id]
        found.append(
            IssueCount(
                issue=issue.name,
                newsletter=issue.newsletter,
                language=issue.language,
                day=issue.day,
                week=numbers.monday_of(issue.due_at, settings.zone()).isoformat(),
                planned=sum(count.values()),
                sent=count[DeliveryState.SENT],
                bounced=count[DeliveryState.BOUNCED],
                returned=sum(reports.get(kind, 0) for kind in _RETURNED),
                complaints=reports.get("complaint", 0),
                unsubscribed=count_unsubscribed(connection, issue),
            )
        )
    return found


# What is added up by week, of changes of the list and of issues.
LIST_SUMS: Final = ("joined", "left", "bounced")
MAIL_SUMS: Final = ("planned", "sent", "bounced", "returned", "complaints", "unsubscribed")


def by_week(
    rows: Iterable[Any], names: Sequence[str], weeks: Sequence[date]
) -> list[dict[str, Any]]:
    """Return the sums of rows that have a `week`, for each of `weeks`. Pure."""
    sums: dict[str, dict[str, Any]] = {
        str(week): {"week": week} | dict.fromkeys(names, 0) for week in weeks
    }
    for row in rows:
        if row.week in sums:
            for name in names:
                sums[row.week][name] += getattr(row, name) or 0
    return [*sums.values()]


def weeks_until(now: datetime, settings: Settings) -> list[date]:
    """Return the Mondays of the weeks that are counted, the first one first."""
    last = numbers.monday_of(now, settings.zone())
    return [last - timedelta(weeks=ago) for ago in reversed(range(numbers.WEEKS))]


def numbers_as_csv(found: PublicationNumbers, table: str) -> str:
    """Return a table as CSV with a line of names (RFC 4180). Raise KeyError for an unknown one."""
    kind, rows = found.tables[table]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [one.name for one in fields(kind)])
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return out.getvalue()
