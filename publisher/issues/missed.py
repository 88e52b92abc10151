"""Occurrences that a database which was restored has no record of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.issues import store
from publisher.issues.model import Issue, IssueReason, issue_name
from publisher.issues.occurrence_changes import (
    OccurrenceChange,
    changes_of,
    occurrences_with_changes,
    read_changes,
)
from publisher.issues.planner import (
    PlannedOccurrence,
    apply_late_policy,
    editions_to_plan,
    planning_start,
    store_planned,
)
from publisher.recurrence import Occurrence


def plan_missed(
    connection: Connection,
    settings: Settings,
    now: datetime,
    reason: str | None,
    wanted: Collection[str],
    begun: Collection[str],
) -> list[Issue]:
    """Store the occurrences until now that are not on record, and return their issues.

    They are planned as always, whether or not they have a page. Issues whose names are in `begun` were sent
    already, to some at least: they are not late. With a `reason`, only those are planned whose names are
    `wanted`; the others are skipped for it. Nothing is logged: this may be a preview.
    """
    found: list[Issue] = []
    changes = read_changes(connection)
    for edition in editions_to_plan(connection, settings):
        name, language = edition.newsletter, edition.language
        since = store.planned_until(connection, name, language) or planning_start(edition, now)
        own = changes_of(changes, edition)
        due = list(occurrences_with_changes(edition, own, since, now))
        planned = _plan(edition, due, now, own, begun)
        for one in _all_but_wanted(edition, planned, reason, wanted) if reason else planned:
            store_planned(connection, edition, one)
        store.set_planned_until(connection, name, language, max(now, since))
        names = (_name(edition, one) for one in due)
        found += filter(None, (store.issue_by_name(connection, one) for one in names))
    return found


def _plan(
    edition: Edition,
    due: Sequence[Occurrence],
    now: datetime,
    changes: Sequence[OccurrenceChange],
    begun: Collection[str],
) -> list[PlannedOccurrence]:
    """Apply the late policy to all that were not begun. Return all, in their order."""
    new = [one for one in due if _name(edition, one) not in begun]
    planned = {one.occurrence: one for one in apply_late_policy(edition, new, now, changes)}
    return [planned.get(one) or PlannedOccurrence(one) for one in due]


def _name(edition: Edition, occurrence: Occurrence) -> str:
    return issue_name(edition.newsletter, edition.language, occurrence.day)


def _all_but_wanted(
    edition: Edition, planned: Sequence[PlannedOccurrence], reason: str, wanted: Collection[str]
) -> Iterator[PlannedOccurrence]:
    for one in planned:
        name = _name(edition, one.occurrence)
        why = (None, None) if name in wanted else (reason, IssueReason.MAY_HAVE_BEEN_SENT)
        yield replace(one, reason=why[0], reason_key=why[1])
