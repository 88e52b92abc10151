"""Issues that were made before they are due follow changes of their schedule until they are sent.

An issue goes out when its day is due in the schedule of now. One whose day the schedule has no more is held: it
goes out if the schedule has the day again, or when somebody says when. So nothing goes out at an hour that
nobody wants any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.issues import store
from publisher.issues.due_times import move_in_time
from publisher.issues.model import (
    SELECTED_STATES,
    UNSCHEDULED,
    Issue,
    IssueKind,
    IssueReason,
    IssueState,
)
from publisher.issues.occurrence_changes import (
    OccurrenceChange,
    OccurrenceChanges,
    changed_occurrence,
    changes_of,
)
from publisher.recurrence import Occurrence

log = structlog.get_logger()

_NOT_SENT = (IssueState.SCHEDULED, *sorted(SELECTED_STATES))


def follow_schedules(
    connection: Connection, settings: Settings, changes: OccurrenceChanges, now: datetime
) -> None:
    """Move, hold or release the issues whose schedule has changed."""
    for issue in store.issues_in_state(connection, *_NOT_SENT):
        edition = settings.edition(issue.newsletter, issue.language)
        if edition is not None:
            follow_schedule(connection, edition, issue, changes_of(changes, edition), now)


def follow_schedule(
    connection: Connection,
    edition: Edition,
    issue: Issue,
    changes: Sequence[OccurrenceChange],
    now: datetime,
) -> bool:
    """Move, hold or release an issue if its schedule has changed. Return whether that is so."""
    if not was_made_ahead(issue, now):
        return False
    occurrence = _occurrence_of(edition, issue, changes)
    if occurrence is None:
        return _hold(connection, issue)
    if issue.is_unscheduled:
        _release(connection, issue, occurrence, now)
        return True
    if occurrence.due_at == issue.due_at or max(occurrence.due_at, issue.due_at) <= now:
        return False
    log.warning("the schedule has changed", issue=issue.name, due_at=str(occurrence.due_at))
    move_in_time(connection, issue, occurrence.due_at, now, is_by_schedule=True)
    return True


def was_made_ahead(issue: Issue, now: datetime) -> bool:
    """Return whether the schedule may have changed since an issue was made: others are made when due."""
    if issue.kind != IssueKind.REGULAR:
        return False
    made_at = issue.assembled_at
    return issue.due_at > now or (made_at is not None and made_at < issue.due_at)


def _occurrence_of(
    edition: Edition, issue: Issue, changes: Sequence[OccurrenceChange]
) -> Occurrence | None:
    if issue.day in edition.skip_dates:
        return None
    change = next((one for one in changes if one.day == issue.day), None)
    return changed_occurrence(edition, change) if change else edition.occurrence_on(issue.day)


def _hold(connection: Connection, issue: Issue) -> bool:
    """Hold an issue whose day is gone, once: whoever says later when it is sent is right."""
    if issue.is_unscheduled or issue.send_at != issue.due_at:
        if issue.schedule_note and issue.reason is None:
            store.set_reason(connection, issue, UNSCHEDULED, IssueReason.NOT_IN_SCHEDULE)
        return False
    log.warning("issue held", issue=issue.name, reason=UNSCHEDULED)
    held = store.touch_issue(connection, issue, send_at=None, is_unscheduled=True)
    if held.state is not IssueState.AWAITING_APPROVAL:
        store.set_reason(connection, held, UNSCHEDULED, IssueReason.NOT_IN_SCHEDULE)
    return True


def _release(
    connection: Connection, issue: Issue, occurrence: Occurrence, now: datetime
) -> None:
    """Let an issue go out when it is due again; if that has passed, it stays held."""
    log.info("the schedule has the day again", issue=issue.name)
    is_to_come = issue.send_at is None and occurrence.due_at > now
    values: dict[str, Any] = {"send_at": occurrence.due_at} if is_to_come else {}
    if issue.reason_key == IssueReason.NOT_IN_SCHEDULE:
        values |= {"reason": None, "reason_key": None}
    released = store.touch_issue(connection, issue, is_unscheduled=False, **values)
    if occurrence.due_at != issue.due_at and is_to_come:
        move_in_time(connection, released, occurrence.due_at, now)
