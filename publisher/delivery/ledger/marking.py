"""Marking rows, and putting them down again.

A mark, committed before a message may leave, says that sending has begun. Each verb moves only
rows that stand where it expects them, under the epoch that it knows, so that who has lost a row
finds out by not moving it. Knows no message and no transport.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, null, select, update

from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.bulk import (
    NONE,
    ROWS,
    encode_instant,
    encode_rows,
    in_states,
    row_values,
    same_epoch,
)
from publisher.delivery.ledger.claims import CLAIMED, NOW, SUPPRESS, Claim
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table
from subscribers import still_wanted

NEWSLETTER = (
    select(issue_table.c.newsletter)
    .where(issue_table.c.id == delivery.c.issue_id, issue_table.c.state == IssueState.SENDING)
    .correlate(delivery)
    .scalar_subquery()
)

MARK = (
    update(delivery)
    .where(CLAIMED, still_wanted(NEWSLETTER, delivery.c.subscriber_id))
    .values(
        state=DeliveryState.ATTEMPTING,
        attempts=delivery.c.attempts + 1,
        tried_at=func.coalesce(delivery.c.tried_at, NOW),
        changed_at=NOW,
    )
    .returning(*delivery.c["issue_id", "subscriber_id", "epoch"])
)
SUPPRESS_UNWANTED = SUPPRESS.where(
    ~still_wanted(
        select(issue_table.c.newsletter)
        .where(issue_table.c.id == delivery.c.issue_id)
        .correlate(delivery)
        .scalar_subquery(),
        delivery.c.subscriber_id,
    )
)


def begin_attempts(
    connection: Connection, claims: Sequence[Claim], now: datetime
) -> tuple[list[Claim], int]:
    """Mark claims as being attempted; gives those that still held, and how many had left.

    Who has left the newsletter by now is suppressed. Rows of an issue that is no longer being
    sent, and rows that somebody else has taken over, are not moved.
    """
    rows = encode_rows((*one.key, one.epoch) for one in claims)
    marked = {tuple(row) for row in connection.execute(MARK, {ROWS: rows, "now": now})}
    if len(marked) == len(claims):
        return list(claims), 0
    # A row may be there twice, claimed before a pause and after it: only one of the two holds.
    held = [one for one in claims if (*one.key, one.epoch) in marked]
    all_rows = {(*one.key, one.epoch) for one in claims}
    rest = encode_rows(all_rows - marked)
    left = connection.execute(SUPPRESS_UNWANTED, {ROWS: rest, "now": now}).rowcount
    return held, left


# What is given back stands as it stood, and what the other side has put off is still put off.
GIVEN = row_values("issue_id", "subscriber_id", "epoch", "state", "next_at")
RELEASE = (
    update(delivery)
    .where(same_epoch(GIVEN), delivery.c.state == DeliveryState.CLAIMED)
    .values(
        state=GIVEN.c.state,
        sender=None,
        next_at=func.coalesce(GIVEN.c.next_at, delivery.c.next_at),
        changed_at=NOW,
    )
)
UNBEGUN = {
    "sender": None,
    "attempts": delivery.c.attempts - 1,
    "tried_at": case((delivery.c.attempts == 1, null()), else_=delivery.c.tried_at),
    "changed_at": NOW,
}
UNMARK = (
    update(delivery)
    # Taken for doubtful, while we were stopped: nobody knows better than we do.
    .where(
        same_epoch(GIVEN),
        delivery.c.state.in_((DeliveryState.ATTEMPTING, DeliveryState.IN_DOUBT)),
    )
    .values(UNBEGUN | {"state": GIVEN.c.state})
)
ISSUES = select(func.json_each(bindparam("issues")).table_valued("value").c.value)
REST = update(delivery).where(
    delivery.c.issue_id.in_(ISSUES), delivery.c.sender == bindparam("holder")
)
RELEASE_REST = REST.where(in_states(DeliveryState.CLAIMED)).values(
    state=DeliveryState.PENDING, sender=None, changed_at=NOW
)
UNMARK_REST = (
    REST.where(in_states(DeliveryState.ATTEMPTING))
    .values(UNBEGUN | {"state": DeliveryState.PENDING})
    .returning(delivery.c.issue_id)
)


def postpone_claims(
    connection: Connection, claims: Mapping[Claim, datetime], now: datetime
) -> int:
    """Give claims back, to be taken up at another time; gives how many were still ours."""
    rows = encode_rows(
        (*one.key, one.epoch, one.was, encode_instant(at)) for one, at in claims.items()
    )
    return connection.execute(RELEASE, {ROWS: rows, "now": now}).rowcount


def release_claims(connection: Connection, claims: Iterable[Claim], now: datetime) -> int:
    """Give claims back as they were; gives how many were still ours."""
    rows = encode_rows((*one.key, one.epoch, one.was, None) for one in claims)
    if rows == NONE:
        return 0
    return connection.execute(RELEASE, {ROWS: rows, "now": now}).rowcount


def undo_attempts(connection: Connection, claims: Iterable[Claim], now: datetime) -> int:
    """Take marks back from messages that were not begun; gives how many were still ours."""
    unbegun = list(claims)
    if not unbegun:
        return 0
    rows = encode_rows((*one.key, one.epoch, one.was, None) for one in unbegun)
    count = connection.execute(UNMARK, {ROWS: rows, "now": now}).rowcount
    lifecycle.reconcile_issues(connection, {one.issue_id for one in unbegun}, now)
    return count


def release_all_rows(
    connection: Connection, issues: Collection[int], sender: int, now: datetime
) -> None:
    """Give back all that a sender still holds.

    For one whose couriers have gone home and have told all that they know: what is marked still
    was never given to any of them.
    """
    values = {"issues": json.dumps([*issues]), "holder": sender, "now": now}
    connection.execute(RELEASE_REST, values)
    moved = connection.execute(UNMARK_REST, values).scalars().all()
    lifecycle.reconcile_issues(connection, set(moved), now)
