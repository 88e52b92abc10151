"""An issue under way is paused, resumed, cancelled, or at its end.

Each is one transaction of the caller's, and counts from its commit on: no message of the issue
is begun any more. What was begun before goes on to its end. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select, update

from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.ledger.counts import delete_counts, store_counts
from publisher.delivery.states import CLAIMABLE_STATES, OPEN_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_count
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table

CANCELLED = "the issue was cancelled"
# Ends that an issue may leave again, when it is decided what became of deliveries in doubt.
ENDED = frozenset({IssueState.PARTIAL, IssueState.FAILED})


def pause_issue(connection: Connection, issue: Issue, reason: str, now: datetime) -> Issue:
    """Stop an issue; raises TransitionError or IssueError as moving does."""
    moved = issues.move_issue(connection, issue, IssueState.PAUSED, reason=reason)
    _free_claims(connection, issue, now)
    return moved


def resume_issue(connection: Connection, issue: Issue, now: datetime) -> Issue:
    """Let an issue go on; what was deferred is tried at once, and patience with it begins anew."""
    moved = issues.move_issue(connection, issue, IssueState.SENDING, reason=None)
    here = delivery.c.issue_id == issue.id
    deferred = update(delivery).where(here, in_states(DeliveryState.DEFERRED))
    connection.execute(deferred.values(next_at=now, tried_at=None))
    return moved


def cancel_issue(connection: Connection, issue: Issue, reason: str, now: datetime) -> Issue:
    """End an issue where it stands: who was not written to yet, won't be."""
    moved = issues.move_issue(
        connection, issue, IssueState.CANCELLED, reason=reason, finished_at=now
    )
    _free_claims(connection, issue, now)
    reconcile_issues(connection, [issue.id], now)
    return moved


def sweep_cancelled(connection: Connection, now: datetime) -> int:
    """Cancel what became free again after its issue was cancelled; gives how many issues it looked at."""
    here = delivery.c.issue_id == issue_table.c.id
    is_kept = exists().where(delivery_count.c.issue_id == issue_table.c.id)
    over = select(issue_table.c.id).where(
        issue_table.c.state == IssueState.CANCELLED,
        exists().where(here, in_states(*CLAIMABLE_STATES)) | (~is_kept & exists().where(here)),
    )
    numbers = connection.execute(over).scalars().all()
    reconcile_issues(connection, numbers, now)
    return len(numbers)


def reconcile_issues(connection: Connection, numbers: Collection[int], now: datetime) -> None:
    """Let issues that are over be what their rows come to, since some of those have moved.

    An answer may come after all from a sender that was taken for dead. What is to be done again
    because of that is sent again, unless the issue was cancelled: then it is cancelled, too.
    """
    for issue in issues.issues_by_ids(connection, [*numbers]):
        if issue.state is IssueState.CANCELLED:
            _cancel_free(connection, issue, now)
        elif issue.state not in ENDED:
            continue
        if _is_open(connection, issue):
            delete_counts(connection, issue.id)
            if issue.state in ENDED:
                issues.move_issue(connection, issue, IssueState.SENDING, finished_at=None)
            continue
        end = final_state(store_counts(connection, issue.id))
        if issue.state in ENDED and end is not issue.state:
            issues.move_issue(connection, issue, end)


def finish_issue(connection: Connection, issue: Issue, now: datetime) -> Issue | None:
    """End an issue if nothing of it is left to be done; None if something is, or it was stopped."""
    if issue.state is not IssueState.SENDING or _is_open(connection, issue):
        return None
    end = final_state(store_counts(connection, issue.id))
    return issues.move_issue(connection, issue, end, reason=None, finished_at=now)


def final_state(count: Mapping[str, Any]) -> IssueState:
    """Say what an issue came to, from the counts of its ledger and nothing else."""
    good = count.get(DeliveryState.SENT, 0)
    bad = sum(
        count.get(state, 0)
        for state in (DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.IN_DOUBT)
    )
    if not bad:
        return IssueState.SENT
    return IssueState.PARTIAL if good else IssueState.FAILED


def _is_open(connection: Connection, issue: Issue) -> bool:
    # Of a column that the index has: SQLite would go by the rows themselves for any other.
    some = exists(delivery.c.subscriber_id).where(
        delivery.c.issue_id == issue.id, in_states(*OPEN_STATES)
    )
    return bool(connection.execute(select(some)).scalar_one())


def _cancel_free(connection: Connection, issue: Issue, now: datetime) -> None:
    statement = (
        update(delivery)
        .where(delivery.c.issue_id == issue.id, in_states(*CLAIMABLE_STATES))
        .values(state=DeliveryState.CANCELLED, reason=CANCELLED, changed_at=now)
    )
    connection.execute(statement)


def _free_claims(connection: Connection, issue: Issue, now: datetime) -> None:
    """Take claims from whoever has them: a new epoch, so that they can't be marked."""
    statement = (
        update(delivery)
        .where(delivery.c.issue_id == issue.id, in_states(DeliveryState.CLAIMED))
        .values(
            state=DeliveryState.PENDING,
            epoch=delivery.c.epoch + 1,
            sender=None,
            changed_at=now,
        )
    )
    connection.execute(statement)
