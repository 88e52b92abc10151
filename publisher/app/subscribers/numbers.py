"""The list and what was mailed to it, in numbers, for pages, programs and the terminal.

Nothing of it is tracked: no opening and no click is counted. A large list is counted by a cycle, once an hour.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

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
from subscribers.store import count_all_subscribers

# Up to so many subscribers are counted whenever somebody looks: in some tenths of a second.
_MOST_COUNTED_AT_ONCE = 50_000
_COUNT_IS_KEPT = timedelta(hours=1)
# Reports of returned mail that say that it did not arrive.
_RETURNED = ("dead", "soft", "blocked")
# Lists of rows, each of which is a file, too.
NUMBER_TABLES = ("subscriptions", "weeks", "issues")


def read_numbers(state: EditingState) -> dict[str, Any]:
    """Return all numbers, as JSON has them: `subscribers.numbers.count_list`, of a large list its last count.

    `subscriptions` are by newsletter and first language; `served` in it, in another of theirs, or in none. `issues` are
    those of a year, the latest first; `unsubscribed` is None if their deliveries are deleted.
    """
    settings, now = state.settings, state.clock.now()
    with state.database.reading() as connection:
        counted = None
        if count_all_subscribers(connection) > _MOST_COUNTED_AT_ONCE:
            counted = numbers.load_list_numbers(connection)
        counted = counted or numbers.count_list(connection, now, settings.zone())
        issues = _count_issues(connection, settings, now)
    served = count_served(settings, counted["subscriptions"])
    return counted | {"subscriptions": served, "issues": issues}


def count_large_list(settings: Settings, database: Database, now: datetime) -> bool:
    """Count a large list and store it, once an hour. Return whether it was counted."""
    with database.reading() as connection:
        last = numbers.load_list_numbers(connection)
        if last and now - datetime.fromisoformat(last["counted_at"]) < _COUNT_IS_KEPT:
            return False
        if count_all_subscribers(connection) <= _MOST_COUNTED_AT_ONCE:
            return False
        counted = numbers.count_list(connection, now, settings.zone())
    with database.writing() as connection:
        numbers.store_list_numbers(connection, counted)
    return True


def count_served(
    settings: Settings, subscriptions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return by newsletter and first language in which of their languages people are served. Pure."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in subscriptions:
        newsletter, wanted = row["newsletter"], row["languages"]
        editions = [one.language for one in settings.editions_of(newsletter)]
        served = "in_another" if serving_language(editions, wanted) else "in_none"
        served = "in_first" if serving_language(editions, wanted[:1]) else served
        sums = found.setdefault((newsletter, wanted[0]), Counter())
        sums.update(
            {"subscribers": row["count"], "paused": row["paused"], served: row["count"]}
        )
    names = ("subscribers", "paused", "in_first", "in_another", "in_none")
    return [
        {"newsletter": newsletter, "language": language} | {name: sums[name] for name in names}
        for (newsletter, language), sums in found.items()
    ]


def _count_issues(
    connection: Connection, settings: Settings, now: datetime
) -> list[dict[str, Any]]:
    recent = issue_table.c.due_at >= now - timedelta(weeks=numbers.WEEKS)
    opened = (issue_table.c.state.in_(OPENED_STATES), recent)
    issues = issues_where(connection, *opened, order=(issue_table.c.due_at.desc(),))
    counts = count_deliveries(connection, [issue.id for issue in issues])
    rows = []
    for issue in issues:
        reports, count = count_events_of_issue(connection, issue.id), counts[issue.id]
        row: dict[str, Any] = {"issue": issue.name, "newsletter": issue.newsletter}
        row |= {"language": issue.language, "day": issue.day.isoformat()}
        row |= {"week": numbers.week_of(issue.due_at, settings.zone()).isoformat()}
        row |= {"planned": sum(count.values()), "sent": count[DeliveryState.SENT]}
        row |= {"bounced": count[DeliveryState.BOUNCED]}
        row |= {"returned": sum(reports.get(kind, 0) for kind in _RETURNED)}
        row |= {"complaints": reports.get("complaint", 0)}
        rows.append(row | {"unsubscribed": count_unsubscribed(connection, issue)})
    return rows


def by_week(
    rows: Iterable[Mapping[str, Any]], names: Sequence[str], now: datetime, settings: Settings
) -> list[dict[str, Any]]:
    """Return the sums of rows for each of the weeks that are counted, the first one first. Pure."""
    last = numbers.week_of(now, settings.zone())
    weeks = [last - timedelta(weeks=ago) for ago in reversed(range(numbers.WEEKS))]
    sums = {str(week): Counter[str]() for week in weeks}
    for row in rows:
        sums.get(row["week"], Counter()).update({name: row[name] or 0 for name in names})
    return [{"week": week} | {name: sums[str(week)][name] for name in names} for week in weeks]


def numbers_as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a line of names (RFC 4180); of no rows, nothing."""
    out = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()
