"""Pause, resume, cancel and finish an issue, try its failed deliveries again, and count deliveries by state.

From a commit on, no new message of a stopped issue is begun; messages under way are finished. One that is tried again
has the same Message-ID. Counts of a finished issue are stored once; those of an open one are always those of its rows.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Integer, and_, exists, func, select, update

from publisher.database.dialect import sql
from publisher.delivery.causes import ISSUE_CANCELLED
from publisher.delivery.ledger.already_sent import owe_left_out, received_since
from publisher.delivery.ledger.claims import NEW_EPOCH, has_free, held_in, in_states, moving
from publisher.delivery.ledger.variant_rows import explain_unmade, when_due
from publisher.delivery.states import CLAIMABLE_STATES, HELD_STATES, OPEN_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_count, delivery_outcome
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueReason, IssueState, check_transition
from publisher.issues.tables import issue_table
from subscribers.audiences import still_wanted

_STATES = sql.json_table(sa.literal(json.dumps([*DeliveryState]), sa.Text()))
_STATE = sql.json_scalar(_STATES.c.value, sa.Text())
# State by state, along the index: GROUP BY would take half as long again.
_ROWS_IN_STATE = (
    sa.select(sa.func.count())
    .where(delivery.c.issue_id == issue_table.c.id, delivery.c.state == _STATE)
    .correlate(issue_table, _STATES)
    .scalar_subquery()
)
_IN_ONE_PASS = sa.select(delivery.c.issue_id, delivery.c.state, sa.func.count()).group_by(
    delivery.c.issue_id, delivery.c.state
)
_COUNTS = sa.select(issue_table.c.id, _STATE, _ROWS_IN_STATE).join(_STATES, sa.true())


def count_deliveries(connection: Connection, issues: Sequence[int]) -> dict[int, Counter[str]]:
    counts: dict[int, Counter[str]] = {number: Counter() for number in issues}
    stored = sa.select(delivery_count).where(delivery_count.c.issue_id.in_(issues))
    for number, state, count in connection.execute(stored):
        counts[number][state] = count
    missing = [number for number in issues if not counts[number]]
    return counts | count_rows(connection, missing) if missing else counts


def count_rows(connection: Connection, issues: Collection[int]) -> dict[int, Counter[str]]:
    counts: dict[int, Counter[str]] = {number: Counter() for number in issues}
    if sql.counts_in_one_pass(connection):
        query = _IN_ONE_PASS.where(delivery.c.issue_id.in_(issues))
    else:
        query = _COUNTS.where(issue_table.c.id.in_(issues))
    rows = connection.execute(query)
    for number, state, count in rows:
        if count:
            counts[number][state] = count
    return counts


def store_counts(connection: Connection, issue_id: int) -> Counter[str]:
    delete_counts(connection, issue_id)
    count = count_rows(connection, [issue_id])[issue_id]
    rows = [
        {"issue_id": issue_id, "state": state, "count": number}
        for state, number in count.items()
    ]
    if rows:
        connection.execute(sa.insert(delivery_count), rows)
    return count


def delete_counts(connection: Connection, issue_id: int) -> None:
    connection.execute(sa.delete(delivery_count).where(delivery_count.c.issue_id == issue_id))


def is_pruned(connection: Connection, issue_id: int) -> bool:
    """Return whether an issue's rows are deleted, or being deleted. Its stored counts stay."""
    found = sa.exists(delivery_outcome.c.count).where(delivery_outcome.c.issue_id == issue_id)
    return bool(connection.execute(sa.select(found)).scalar_one())


def issues_with_sent(connection: Connection, issues: Collection[int]) -> set[int]:
    sent = sa.exists(delivery.c.subscriber_id).where(
        delivery.c.issue_id == issue_table.c.id, delivery.c.state == DeliveryState.SENT
    )
    query = sa.select(issue_table.c.id).where(issue_table.c.id.in_(issues), sent)
    return set(connection.execute(query).scalars())


def nothing_accepted(connection: Connection, issues: Collection[int], many: int) -> bool:
    """Return whether `many` recipients or more are deferred, and no mail of an issue was sent."""
    deferred = (
        sa.select(delivery.c.subscriber_id)
        .where(delivery.c.issue_id.in_(issues), delivery.c.state == DeliveryState.DEFERRED)
        .limit(many)
        .subquery()
    )
    count = connection.execute(sa.select(sa.func.count()).select_from(deferred)).scalar_one()
    return bool(count >= many and not issues_with_sent(connection, issues))


def count_done(count: Mapping[str, Any]) -> int:
    return int(sum(n for state, n in count.items() if state not in OPEN_STATES))


# Final states that an issue may leave again, when rows in doubt are decided or bounced ones are tried again.
_REOPENABLE = frozenset({IssueState.SENT, IssueState.PARTIAL, IssueState.FAILED})
_FINISHED = select(issue_table.c.id).where(
    issue_table.c.id.in_(sql.json_list("issues", Integer())),
    issue_table.c.state.in_([IssueState.CANCELLED, *_REOPENABLE]),
)


def pause_issue(
    connection: Connection,
    issue: Issue,
    reason: str,
    now: datetime,
    key: IssueReason = IssueReason.PAUSED,
) -> Issue:
    """Pause an issue. A person's pause replaces that of a refused login, which would end by itself."""
    if issue.state is IssueState.PAUSED and issue.reason_key == IssueReason.LOGIN_REFUSED:
        issues.set_reason(connection, issue, reason, key)
        return issues.issues_by_ids(connection, [issue.id])[0]
    moved = issues.move_issue(
        connection, issue, IssueState.PAUSED, reason=reason, reason_key=key
    )
    _revoke_claims(connection, issue, now)
    return moved


def resume_issue(connection: Connection, issue: Issue, now: datetime) -> Issue:
    """Resume an issue. Deferred rows are tried at once, and their `give_up_after` starts anew."""
    moved = issues.move_issue(connection, issue, IssueState.SENDING, reason=None)
    deferred = update(delivery).where(
        delivery.c.issue_id == issue.id, in_states(DeliveryState.DEFERRED)
    )
    connection.execute(deferred.values(next_at=now, tried_at=None))
    return moved


def cancel_issue(connection: Connection, issue: Issue, reason: str, now: datetime) -> Issue:
    moved = issues.move_issue(
        connection,
        issue,
        IssueState.CANCELLED,
        reason=reason,
        reason_key=IssueReason.CANCELLED,
        finished_at=now,
    )
    _revoke_claims(connection, issue, now)
    reconcile_issues(connection, [issue.id], now)
    return moved


def sweep_cancelled(connection: Connection, now: datetime) -> int:
    """Cancel rows that became free after their issue was cancelled. Returns the issues' number."""
    of_issue = delivery.c.issue_id == issue_table.c.id
    is_counted = exists().where(delivery_count.c.issue_id == issue_table.c.id)
    found = select(issue_table.c.id).where(
        issue_table.c.state == IssueState.CANCELLED,
        has_free(issue_table.c.id) | (~is_counted & exists().where(of_issue)),
    )
    numbers = connection.execute(found).scalars().all()
    reconcile_issues(connection, numbers, now)
    return len(numbers)


def reconcile_issues(connection: Connection, numbers: Collection[int], now: datetime) -> None:
    """Make states of finished issues follow from their rows, which a late answer may have moved; a cancelled one is not reopened."""
    # Each page of a sender asks this, and hardly ever is any of them finished.
    finished = connection.execute(_FINISHED, {"issues": json.dumps([*numbers])}).scalars().all()
    for issue in issues.issues_by_ids(connection, finished) if finished else ():
        if is_pruned(connection, issue.id):
            continue
        if issue.state is IssueState.CANCELLED:
            _cancel_free_rows(connection, issue, now)
        if _is_open(connection, issue):
            delete_counts(connection, issue.id)
            if issue.state in _REOPENABLE:
                issues.move_issue(connection, issue, IssueState.SENDING, finished_at=None)
            continue
        end = final_state(store_counts(connection, issue.id))
        if issue.state in _REOPENABLE and end is not issue.state:
            issues.move_issue(connection, issue, end)


def finish_issue(connection: Connection, issue: Issue, now: datetime) -> Issue | None:
    """Finish an issue and return it. Returns None if rows are open, or if it is not being sent."""
    if issue.state is not IssueState.SENDING or _is_open(connection, issue):
        return None
    count = store_counts(connection, issue.id)
    unmade = count[DeliveryState.FAILED] + count[DeliveryState.CANCELLED]
    reason = explain_unmade(connection, issue) if unmade else None
    key = IssueReason.NOT_MADE if count[DeliveryState.FAILED] else IssueReason.ALL_WITHDRAWN
    why = {"reason": reason, "reason_key": key if reason else None}
    return issues.move_issue(connection, issue, final_state(count), **why, finished_at=now)


def final_state(count: Mapping[str, Any]) -> IssueState:
    """Return the final state of an issue from the counts of its rows. Bounces are ordinary, unless nobody got it."""
    good, bounced = count.get(DeliveryState.SENT, 0), count.get(DeliveryState.BOUNCED, 0)
    bad = count.get(DeliveryState.FAILED, 0) + count.get(DeliveryState.IN_DOUBT, 0)
    if bad or (bounced and not good):
        return IssueState.PARTIAL if good else IssueState.FAILED
    return IssueState.SENT


def _is_open(connection: Connection, issue: Issue) -> bool:
    lease = delivery.c.lease_id
    held = select(lease).where(delivery.c.issue_id == issue.id, held_in(*HELD_STATES))
    # In the order of the index, as those who are free.
    is_held = held.order_by(lease).limit(1).scalar_subquery().is_not(None)
    return bool(connection.execute(select(has_free(issue.id) | is_held)).scalar_one())


def _cancel_free_rows(connection: Connection, issue: Issue, now: datetime) -> None:
    owe_left_out(connection, issue, in_states(*CLAIMABLE_STATES), now)
    free = (delivery.c.issue_id == issue.id) & in_states(*CLAIMABLE_STATES)
    why = {"reason": None, "reason_key": ISSUE_CANCELLED.key}
    connection.execute(moving(free, DeliveryState.CANCELLED, now, **why))


def _revoke_claims(connection: Connection, issue: Issue, now: datetime) -> None:
    """Free claimed rows under a new epoch, so that their holders can't reserve them."""
    claimed = (delivery.c.issue_id == issue.id) & held_in(DeliveryState.CLAIMED)
    free = moving(claimed, DeliveryState.PENDING, now, epoch=NEW_EPOCH, lease_id=None)
    connection.execute(free)


RETRY_PERIOD: Final = timedelta(days=7)  # news of last month is no news
RETRYABLE_STATES: Final = (DeliveryState.BOUNCED, DeliveryState.FAILED)


def finished_at(connection: Connection, issue: Issue) -> datetime | None:
    query = select(issue_table.c.finished_at).where(issue_table.c.id == issue.id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def retry_failed(
    connection: Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    causes: Collection[str],
    now: datetime,
) -> tuple[int, int]:
    """Make failed rows of these causes (None: any) pending again, and reopen their issue; return how many, and how many are left."""
    if issue.state is IssueState.CANCELLED:
        check_transition(issue.state, IssueState.SENDING)
    chosen: list[ColumnElement[bool]] = [delivery.c.issue_id == issue.id, in_states(*states)]
    if causes:
        chosen.append(delivery.c.reason_key.in_(sorted(causes)))
    got = received_since(connection, issue, and_(*chosen))
    wanted = still_wanted(issue.newsletter, delivery.c.subscriber_id, now)
    wanted &= delivery.c.subscriber_id.not_in(sql.json_list("got", Integer()))
    given = {"got": json.dumps(got)}
    unwanted = select(func.count()).select_from(delivery).where(*chosen, ~wanted)
    left = connection.execute(unwanted, given).scalar_one()
    # The run that sent it before can't settle it any more.
    again = {"epoch": NEW_EPOCH, "lease_id": None, "next_at": when_due(now), "tried_at": None}
    retried = moving(and_(*chosen, wanted), DeliveryState.PENDING, now, **again)
    count = connection.execute(retried, given).rowcount
    if count:
        reconcile_issues(connection, [issue.id], now)
    return count, left
