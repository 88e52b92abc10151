"""Count deliveries by state. The counts of a finished issue are stored once.

The counts of an open issue are always those of its rows.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.database.dialect.sql import counts_in_one_pass, json_scalar, json_table
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_count, delivery_outcome
from publisher.issues.tables import issue_table

# Pending rows before those of a tail: what is counted at each look, some milliseconds.
_HEAD = 50_000
_STATES = json_table(sa.literal(json.dumps([*DeliveryState]), sa.Text()))
_STATE = json_scalar(_STATES.c.value, sa.Text())
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


def count_deliveries(
    connection: sa.Connection, issues: Sequence[int]
) -> dict[int, Counter[str]]:
    """Return counts by issue and state, stored ones where there are any."""
    found: dict[int, Counter[str]] = {number: Counter() for number in issues}
    stored = sa.select(delivery_count).where(delivery_count.c.issue_id.in_(issues))
    for number, state, count in connection.execute(stored):
        found[number][state] = count
    missing = [number for number in issues if not found[number]]
    return found | count_rows(connection, missing) if missing else found


def count_rows(connection: sa.Connection, issues: Collection[int]) -> dict[int, Counter[str]]:
    """Count the rows themselves."""
    found: dict[int, Counter[str]] = {number: Counter() for number in issues}
    if counts_in_one_pass(connection):
        query = _IN_ONE_PASS.where(delivery.c.issue_id.in_(issues))
    else:
        query = _COUNTS.where(issue_table.c.id.in_(issues))
    rows = connection.execute(query)
    for number, state, count in rows:
        if count:
            found[number][state] = count
    return found


@dataclass(frozen=True, slots=True)
class PendingTail:
    """The pending rows of one time and variant from a subscriber on, who were counted once.

    Rows are claimed in order. So as long as nobody has claimed the first of them, nobody has claimed any.
    """

    next_at: datetime
    variant_id: int | None
    first: int
    epoch: int
    count: int


def find_tail(connection: sa.Connection, issue_id: int) -> PendingTail | None:
    """Count the pending rows behind the next `_HEAD`; None if there are none, and if a server counts."""
    if counts_in_one_pass(connection):
        return None
    columns = delivery.c["next_at", "variant_id", "subscriber_id", "epoch"]
    query = sa.select(*columns).where(_of_state(issue_id, DeliveryState.PENDING))
    order = delivery.c["next_at", "variant_id", "subscriber_id"]
    row = connection.execute(query.order_by(*order).offset(_HEAD).limit(1)).one_or_none()
    if row is None:
        return None
    tail = PendingTail(row.next_at, row.variant_id, row.subscriber_id, row.epoch, 0)
    behind = _of_variant(issue_id, tail) & (delivery.c.subscriber_id >= tail.first)
    return replace(tail, count=_count(connection, behind))


def recount_rows(
    connection: sa.Connection,
    issue_id: int,
    before: Mapping[str, int],
    tail: PendingTail | None = None,
) -> Counter[str]:
    """Count an issue's rows again, of which there are as many as `before`.

    Most of a million rows are pending or sent. With a `tail` that is still pending, its rows and those that
    are sent are not counted; otherwise those of the state that had most are not: they are what is left.
    """
    if counts_in_one_pass(connection) or not before:
        return count_rows(connection, [issue_id])[issue_id]
    pending = _count_before(connection, issue_id, tail) if tail else None
    largest = max(before, key=before.__getitem__) if pending is None else DeliveryState.SENT
    found = Counter(
        {
            str(state): _count(connection, _of_state(issue_id, state))
            if pending is None or state is not DeliveryState.PENDING
            else pending
            for state in DeliveryState
            if state != largest
        }
    )
    found[largest] = sum(before.values()) - found.total()
    if found[largest] < 0:
        # Rows were merged, or moved to another variant.
        return count_rows(connection, [issue_id])[issue_id]
    return +found


def _count_before(connection: sa.Connection, issue_id: int, tail: PendingTail) -> int | None:
    """Count all pending rows, those of a tail by what is known; None if somebody has claimed any of them."""
    same = _of_variant(issue_id, tail)
    first = same & (delivery.c.subscriber_id == tail.first)
    if connection.execute(sa.select(delivery.c.epoch).where(first)).scalar() != tail.epoch:
        return None
    pending, variant = _of_state(issue_id, DeliveryState.PENDING), delivery.c.variant_id
    at = pending & (delivery.c.next_at == tail.next_at)
    others = (
        pending & (delivery.c.next_at < tail.next_at),
        pending & (delivery.c.next_at > tail.next_at),
        *((at & variant.is_(None),) if tail.variant_id is not None else ()),
        *((at & (variant < tail.variant_id),) if tail.variant_id is not None else ()),
        at & (variant > (tail.variant_id or 0)),
        same & (delivery.c.subscriber_id < tail.first),
    )
    return tail.count + sum(_count(connection, one) for one in others)


def _of_state(issue_id: int, state: DeliveryState) -> sa.ColumnElement[bool]:
    return (delivery.c.issue_id == issue_id) & (delivery.c.state == state)


def _of_variant(issue_id: int, tail: PendingTail) -> sa.ColumnElement[bool]:
    pending = _of_state(issue_id, DeliveryState.PENDING)
    same = pending & (delivery.c.next_at == tail.next_at)
    return same & delivery.c.variant_id.is_not_distinct_from(tail.variant_id)


def _count(connection: sa.Connection, rows: sa.ColumnElement[bool]) -> int:
    return connection.execute(
        sa.select(sa.func.count()).select_from(delivery).where(rows)
    ).scalar_one()


def store_counts(connection: sa.Connection, issue_id: int) -> Counter[str]:
    """Count an issue's rows, store the counts and return them."""
    delete_counts(connection, issue_id)
    count = count_rows(connection, [issue_id])[issue_id]
    rows = [
        {"issue_id": issue_id, "state": state, "count": number}
        for state, number in count.items()
    ]
    if rows:
        connection.execute(sa.insert(delivery_count), rows)
    return count


def delete_counts(connection: sa.Connection, issue_id: int) -> None:
    """Delete the stored counts of an issue."""
    connection.execute(sa.delete(delivery_count).where(delivery_count.c.issue_id == issue_id))


def is_pruned(connection: sa.Connection, issue_id: int) -> bool:
    """Return whether an issue's rows are deleted, or being deleted. Its stored counts stay."""
    found = sa.exists(delivery_outcome.c.count).where(delivery_outcome.c.issue_id == issue_id)
    return bool(connection.execute(sa.select(found)).scalar_one())


def issues_with_sent(connection: sa.Connection, issues: Collection[int]) -> set[int]:
    """Return the issues that at least one recipient has got."""
    sent = sa.exists(delivery.c.subscriber_id).where(
        delivery.c.issue_id == issue_table.c.id, delivery.c.state == DeliveryState.SENT
    )
    query = sa.select(issue_table.c.id).where(issue_table.c.id.in_(issues), sent)
    return set(connection.execute(query).scalars())


def nothing_accepted(connection: sa.Connection, issues: Collection[int], many: int) -> bool:
    """Return whether `many` recipients or more are deferred, and no mail of an issue was sent."""
    deferred = (
        sa.select(delivery.c.subscriber_id)
        .where(delivery.c.issue_id.in_(issues), delivery.c.state == DeliveryState.DEFERRED)
        .limit(many)
        .subquery()
    )
    count = connection.execute(sa.select(sa.func.count()).select_from(deferred)).scalar_one()
    return bool(count >= many and not issues_with_sent(connection, issues))


def count_waiting(count: Mapping[str, Any]) -> int:
    """Return the number of deliveries that are still to be made."""
    return sum(count.get(state, 0) for state in OPEN_STATES)


def count_done(count: Mapping[str, Any]) -> int:
    """Return the number of deliveries that are final or in doubt."""
    return int(sum(count.values())) - count_waiting(count)
