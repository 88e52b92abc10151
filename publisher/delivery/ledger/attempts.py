"""Reserve rows before a message may leave, and write the results of attempts: one statement for a whole batch.

Each moves only rows in the state and epoch that it expects, so a process that has lost a row notices by not moving it.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.database.dialect.sql import json_list, json_rows
from publisher.delivery.causes import HAS_PAUSED, HAS_UNSUBSCRIBED, OTHER_CADENCE
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.already_sent import owe_left_out
from publisher.delivery.ledger.claims import (
    IS_CLAIMED,
    NOW,
    RETURNED,
    ROWS,
    SUPPRESS_CLAIMED,
    Claim,
    in_states,
    moving,
    row_values,
    same_epoch,
)
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import MessageKey
from publisher.issues import store
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from subscribers.audiences import is_paused, is_subscribed, still_wanted

_NEWSLETTER = (
    sa.select(issue_table.c.newsletter)
    .where(issue_table.c.id == delivery.c.issue_id)
    .correlate(delivery)
)
_SENDING_NEWSLETTER = _NEWSLETTER.where(
    issue_table.c.state == IssueState.SENDING
).scalar_subquery()
_BEGIN = (
    sa.update(delivery)
    .where(IS_CLAIMED, still_wanted(_SENDING_NEWSLETTER, delivery.c.subscriber_id, NOW))
    .values(
        state=DeliveryState.ATTEMPTING,
        attempts=delivery.c.attempts + 1,
        tried_at=sa.func.coalesce(delivery.c.tried_at, NOW),
        changed_at=NOW,
    )
    .returning(*delivery.c["issue_id", "subscriber_id", "epoch"])
)
_OF_ISSUES = delivery.c.issue_id.in_(json_list("issues", sa.Integer()))
_KEY = _NEWSLETTER.scalar_subquery()
_IS_UNWANTED = ~still_wanted(_KEY, delivery.c.subscriber_id, NOW)
_WHY_UNWANTED = sa.case(
    (~is_subscribed(_KEY, delivery.c.subscriber_id), HAS_UNSUBSCRIBED.key),
    (is_paused(delivery.c.subscriber_id, NOW), HAS_PAUSED.key),
    else_=OTHER_CADENCE.key,
)
_SUPPRESS_UNWANTED = (
    SUPPRESS_CLAIMED.where(_IS_UNWANTED)
    .values(reason_key=_WHY_UNWANTED)
    .returning(*delivery.c["issue_id", "subscriber_id", "reason_key"])
)


def begin_attempts(
    connection: sa.Connection, claims: Sequence[Claim], now: datetime
) -> tuple[list[Claim], int]:
    """Make claimed rows `attempting`; return those that were ours, and how many were suppressed, being wanted no more."""
    rows = json_rows((*one.key, one.epoch) for one in claims)
    begun = {tuple(row) for row in connection.execute(_BEGIN, {ROWS: rows, "now": now})}
    if len(begun) == len(claims):
        return list(claims), 0
    # A row may be there twice, claimed before a pause and after it: only one of them is ours.
    ours = [one for one in claims if (*one.key, one.epoch) in begun]
    all_rows = {(*one.key, one.epoch) for one in claims}
    rest = json_rows(all_rows - begun)
    suppressed = connection.execute(_SUPPRESS_UNWANTED, {ROWS: rest, "now": now}).all()
    _owe_to_leavers(connection, suppressed, now)
    return ours, len(suppressed)


def _owe_to_leavers(
    connection: sa.Connection, rows: Iterable[sa.Row[Any]], now: datetime
) -> None:
    """Owe to who left a newsletter what the others, which she still gets, had left out for it."""
    left = defaultdict(list)
    for row in rows:
        if row.reason_key == HAS_UNSUBSCRIBED.key:
            left[row.issue_id].append(row.subscriber_id)
    for issue in store.issues_by_ids(connection, [*left]):
        owe_left_out(connection, issue, delivery.c.subscriber_id.in_(left[issue.id]), now)


def suppress_waiting(
    connection: sa.Connection, issues: Collection[int], members: sa.Select[int], now: datetime
) -> int:
    """Suppress free rows that these subscribers want no more: their articles would count as about to come."""
    free = _OF_ISSUES & in_states(*CLAIMABLE_STATES)
    unwanted = free & delivery.c.subscriber_id.in_(members) & _IS_UNWANTED
    why = {"reason": None, "reason_key": _WHY_UNWANTED}
    values = {"issues": json.dumps([*issues]), "now": now}
    suppressed = moving(unwanted, DeliveryState.SUPPRESSED, NOW, **why)
    return connection.execute(suppressed, values).rowcount


_NOT_BEGUN = {
    "lease_id": None,
    "attempts": delivery.c.attempts - 1,
    "tried_at": sa.case((delivery.c.attempts == 1, sa.null()), else_=delivery.c.tried_at),
    "changed_at": NOW,
}
# Also in doubt: another process may have revoked our lease while we were stopped, but only we
# know that the message was not sent.
_SETTLEABLE = delivery.c.state.in_((DeliveryState.ATTEMPTING, DeliveryState.IN_DOUBT))
_UNDO = (
    sa.update(delivery)
    .where(same_epoch(RETURNED), _SETTLEABLE)
    .values(_NOT_BEGUN | {"state": RETURNED.c.state})
)
_HELD = _OF_ISSUES & (delivery.c.lease_id == sa.bindparam("lease"))
_RELEASE_HELD = moving(
    _HELD & in_states(DeliveryState.CLAIMED), DeliveryState.PENDING, NOW, lease_id=None
)
_UNDO_HELD = (
    sa.update(delivery)
    .where(_HELD & in_states(DeliveryState.ATTEMPTING))
    .values(_NOT_BEGUN | {"state": DeliveryState.PENDING})
    .returning(delivery.c.issue_id)
)


def undo_attempts(connection: sa.Connection, claims: Iterable[Claim], now: datetime) -> int:
    """Return rows whose messages were not sent to their former states. Returns their number."""
    unsent = list(claims)
    if not unsent:
        return 0
    rows = json_rows((*one.key, one.epoch, one.was, None) for one in unsent)
    count = connection.execute(_UNDO, {ROWS: rows, "now": now}).rowcount
    lifecycle.reconcile_issues(connection, {one.issue_id for one in unsent}, now)
    return count


def release_all_rows(
    connection: sa.Connection, issues: Collection[int], lease_id: int, now: datetime
) -> None:
    """Return every row that a lease holds whose workers have stopped: no worker had what is still `attempting`."""
    values = {"issues": json.dumps([*issues]), "lease": lease_id, "now": now}
    connection.execute(_RELEASE_HELD, values)
    moved = connection.execute(_UNDO_HELD, values).scalars().all()
    lifecycle.reconcile_issues(connection, set(moved), now)


_CHANGE = row_values(
    "issue_id", "subscriber_id", "epoch", "state", "reason_key", "reason", "next_at"
)
_PAIR = row_values("issue_id", "subscriber_id")
_SETTLE = (
    sa.update(delivery)
    .where(same_epoch(_CHANGE), _SETTLEABLE)
    .values(
        state=_CHANGE.c.state,
        # A sent row keeps its lease: only that lease's staged message is delivered.
        lease_id=sa.case((_CHANGE.c.state == DeliveryState.SENT, delivery.c.lease_id)),
        reason_key=_CHANGE.c.reason_key,
        reason=_CHANGE.c.reason,
        next_at=sa.func.coalesce(_CHANGE.c.next_at, delivery.c.next_at),
        changed_at=NOW,
    )
    .returning(delivery.c.issue_id, delivery.c.subscriber_id)
)
_CONFIRM_BOUNCE = (
    sa.update(delivery)
    .where(same_epoch(_CHANGE), delivery.c.state == DeliveryState.DEFERRED)
    .values(state=DeliveryState.BOUNCED, changed_at=NOW)
    .returning(delivery.c.issue_id, delivery.c.subscriber_id)
)


def settle_attempts(
    connection: sa.Connection, changes: Mapping[Claim, StateChange], now: datetime
) -> set[MessageKey]:
    """Write results; return the rows that were ours, also those put in doubt under the same epoch: the answer came after all."""
    rows = json_rows(
        (*one.key, one.epoch, change.state, change.reason_key, change.reason, change.next_at)
        for one, change in changes.items()
    )
    moved = _keys(connection.execute(_SETTLE, {ROWS: rows, "now": now}).all())
    lifecycle.reconcile_issues(connection, {issue_id for issue_id, _ in moved}, now)
    return moved


def confirm_bounces(
    connection: sa.Connection, claims: Iterable[Claim], now: datetime
) -> set[MessageKey]:
    rows = json_rows((*one.key, one.epoch, None, None, None, None) for one in claims)
    return _keys(connection.execute(_CONFIRM_BOUNCE, {ROWS: rows, "now": now}).all())


def sent_under_lease(
    connection: sa.Connection, lease_id: int, keys: Iterable[MessageKey]
) -> set[MessageKey]:
    query = sa.select(delivery.c.issue_id, delivery.c.subscriber_id).where(
        delivery.c.issue_id == _PAIR.c.issue_id,
        delivery.c.subscriber_id == _PAIR.c.subscriber_id,
        delivery.c.state == DeliveryState.SENT,
        delivery.c.lease_id == lease_id,
    )
    return _keys(connection.execute(query, {ROWS: json_rows(keys)}).all())


def _keys(rows: Iterable[Any]) -> set[MessageKey]:
    return {(row.issue_id, row.subscriber_id) for row in rows}
