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
    changes_of,
    occurrences_with_changes,
    read_changes,
)
from publisher.issues.planner import (
    PlannedOccurrence,
    add_planned,
    apply_late_policy,
    editions_to_plan,
    planning_start,
)


def plan_missed(
    connection: Connection,
    settings: Settings,
    now: datetime,
    reason: str | None,
    wanted: Collection[str],
) -> list[Issue]:
    """Store the occurrences until now that are not on record, and return their issues.

    They are planned as always, whether or not they have a page. With a `reason`, only those are whose
    names are `wanted`; the others are skipped for it.
    """
    found: list[Issue] = []
    changes = read_changes(connection)
    for edition in editions_to_plan(connection, settings):
        name, language = edition.newsletter, edition.language
        since = store.planned_until(connection, name, language) or planning_start(edition, now)
        own = changes_of(changes, edition)
        due = list(occurrences_with_changes(edition, own, since, now))
        planned = apply_late_policy(edition, due, now, own)
        for one in _all_but_wanted(edition, planned, reason, wanted) if reason else planned:
            add_planned(connection, edition, one)
        store.set_planned_until(connection, name, language, max(now, since))
        names = (issue_name(name, language, one.day) for one in due)
        found += filter(None, (store.issue_by_name(connection, one) for one in names))
    return found


def _all_but_wanted(
    edition: Edition, planned: Sequence[PlannedOccurrence], reason: str, wanted: Collection[str]
) -> Iterator[PlannedOccurrence]:
    for one in planned:
        name = issue_name(edition.newsletter, edition.language, one.occurrence.day)
        why = (None, None) if name in wanted else (reason, IssueReason.MAY_HAVE_BEEN_SENT)
        yield replace(one, reason=why[0], reason_key=why[1])
