"""Occurrences that an editor has moved or skipped, one by one.

A changed occurrence keeps its local date, and so its name, its page and its Message-IDs. Only its
instant is another one. The planner takes each that has no issue yet from its row, whatever the
edition is planned until, so that one is neither lost nor made twice when it is moved across now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from heapq import merge
from operator import attrgetter

from sqlalchemy import Connection, exists, select

from publisher.config import Edition
from publisher.database.dialect.sql import upsert
from publisher.issues.tables import issue_table, occurrence_change_table
from publisher.recurrence import Occurrence

_KEY = ("newsletter", "language", "day")


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceChange:
    """What an editor decided about one occurrence: another instant, or to skip it.

    With neither it is as the schedule has it: the change was undone. `is_planned` means that the
    occurrence has its issue, or is recorded as skipped.
    """

    newsletter: str
    language: str
    day: date
    due_at: datetime | None = None
    skip_reason: str | None = None
    revision: int
    actor: str
    changed_at: datetime
    is_planned: bool = False


# By newsletter and language.
OccurrenceChanges = Mapping[tuple[str, str], Sequence[OccurrenceChange]]


def changes_of(changes: OccurrenceChanges, edition: Edition) -> Sequence[OccurrenceChange]:
    """Return the changes of an edition's occurrences."""
    return changes.get((edition.newsletter, edition.language), ())


def changed_occurrence(edition: Edition, change: OccurrenceChange) -> Occurrence | None:
    """Return an occurrence after its change; None if the schedule has it no more."""
    scheduled = edition.occurrence_on(change.day)
    if scheduled is None or change.due_at is None:
        return scheduled
    return replace(scheduled, due_at=change.due_at, shifted=None)


def occurrences_with_changes(
    edition: Edition, changes: Sequence[OccurrenceChange], after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences of an edition that are to be planned until an instant, in order.

    Those without a change are due in (after, until]. Those with a change are due until `until`,
    and not planned.
    """
    days = {change.day for change in changes}
    unchanged = (one for one in edition.occurrences(after, until) if one.day not in days)
    found = (changed_occurrence(edition, one) for one in changes if not one.is_planned)
    changed = sorted(
        (one for one in found if one and one.due_at <= until), key=attrgetter("due_at")
    )
    return merge(unchanged, changed, key=attrgetter("due_at"))


def skip_reasons(changes: Iterable[OccurrenceChange]) -> dict[date, str]:
    """Return why editors skip occurrences, by day."""
    return {one.day: one.skip_reason for one in changes if one.skip_reason is not None}


def read_changes(connection: Connection) -> OccurrenceChanges:
    """Return the changes of all editions, by day."""
    columns = occurrence_change_table.c
    same = [issue_table.c[name] == columns[name] for name in _KEY]
    query = select(occurrence_change_table, exists().where(*same).label("is_planned"))
    found: dict[tuple[str, str], list[OccurrenceChange]] = defaultdict(list)
    for row in connection.execute(query.order_by(*(columns[name] for name in _KEY))).mappings():
        change = OccurrenceChange(**row)
        found[change.newsletter, change.language].append(change)
    return found


def save_occurrence_change(connection: Connection, change: OccurrenceChange) -> None:
    """Store a change of an occurrence in the place of the one before."""
    values = {name: v for name, v in asdict(change).items() if name != "is_planned"}
    row = upsert(connection, occurrence_change_table).values(values)
    connection.execute(row.on_conflict_do_update(index_elements=[*_KEY], set_=values))
