"""What an attempt came to is written down: one statement for all outcomes of a moment.

Only who holds a row's epoch can settle it. A row that was taken for doubtful meanwhile, under
the same epoch, can still be settled: the answer came after all. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.bulk import (
    ROWS,
    encode_instant,
    encode_rows,
    row_values,
    same_epoch,
)
from publisher.delivery.ledger.claims import NOW, Claim, MessageKey
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery

TOLD = row_values("issue_id", "subscriber_id", "epoch", "state", "reason", "next_at")
PAIR = row_values("issue_id", "subscriber_id")
SETTLE = (
    update(delivery)
    .where(
        same_epoch(TOLD),
        delivery.c.state.in_((DeliveryState.ATTEMPTING, DeliveryState.IN_DOUBT)),
    )
    .values(
        state=TOLD.c.state,
        # Who has sent it stays written down: what that one has staged, and no other's, is placed.
        sender=case((TOLD.c.state == DeliveryState.SENT, delivery.c.sender)),
        reason=TOLD.c.reason,
        next_at=func.coalesce(TOLD.c.next_at, delivery.c.next_at),
        changed_at=NOW,
    )
    .returning(delivery.c.issue_id, delivery.c.subscriber_id)
)
BELIEVE = (
    update(delivery)
    .where(same_epoch(TOLD), delivery.c.state == DeliveryState.DEFERRED)
    .values(state=DeliveryState.BOUNCED, changed_at=NOW)
    .returning(delivery.c.issue_id, delivery.c.subscriber_id)
)


def settle_attempts(
    connection: Connection, fates: Mapping[Claim, StateChange], now: datetime
) -> set[MessageKey]:
    """Move rows that were attempted to where they go; gives those that were still ours.

    An issue that was over, since a row of it was taken for doubtful, may be sent again by that.
    """
    rows = encode_rows(
        (*one.key, one.epoch, fate.state, fate.reason, encode_instant(fate.next_at))
        for one, fate in fates.items()
    )
    moved = _keys(connection.execute(SETTLE, {ROWS: rows, "now": now}).all())
    lifecycle.reconcile_issues(connection, {issue_id for issue_id, _ in moved}, now)
    return moved


def confirm_bounces(
    connection: Connection, claims: Iterable[Claim], now: datetime
) -> set[MessageKey]:
    """Let rows that were put off because of a refusal be bounced; gives those that still stood so."""
    rows = encode_rows((*one.key, one.epoch, None, None, None) for one in claims)
    return _keys(connection.execute(BELIEVE, {ROWS: rows, "now": now}).all())


def sent_under_lease(
    connection: Connection, sender: int, keys: Iterable[MessageKey]
) -> set[MessageKey]:
    """Say which of some rows a sender has settled as sent."""
    query = select(delivery.c.issue_id, delivery.c.subscriber_id).where(
        delivery.c.issue_id == PAIR.c.issue_id,
        delivery.c.subscriber_id == PAIR.c.subscriber_id,
        delivery.c.state == DeliveryState.SENT,
        delivery.c.sender == sender,
    )
    rows = connection.execute(query, {ROWS: encode_rows(keys)})
    return {(row.issue_id, row.subscriber_id) for row in rows}


def _keys(rows: Sequence[Row[Any]]) -> set[MessageKey]:
    return {(row.issue_id, row.subscriber_id) for row in rows}
