"""Claim rows for a lease, postpone and release them, find out when rows are due, and recheck one.

The recheck runs right before a message leaves, in several threads, as a prepared query. The state `attempting` guards
the row. A statement about many rows has them as one JSON parameter: it is compiled and run once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import sqlalchemy as sa

from publisher.clock import Clock
from publisher.database import Database
from publisher.database.dialect.sql import json_rows, json_scalar, json_table, unlikely, upsert
from publisher.database.metadata import UTCDateTime
from publisher.delivery.causes import HAS_UNSUBSCRIBED
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import MessageKey
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from subscribers.audiences import load_recipients, still_wanted
from subscribers.model import Recipient

ROWS = "rows"  # the name of the parameter that holds the rows, as `json_rows` writes them
_TYPES = dict.fromkeys(("state", "reason_key", "reason", "next_at", "timezone"), sa.Text)


def row_values(*columns: str) -> sa.Subquery:
    """Return the rows of the parameter `rows` as a subquery with these columns, in this order."""
    rows = json_table(sa.bindparam(ROWS, type_=sa.Text())).alias("each_row")
    return sa.select(
        *(
            json_scalar(rows.c.value, _TYPES.get(name, sa.Integer)(), place).label(name)
            for place, name in enumerate(columns)
        )
    ).subquery("given")


_NEW = ["issue_id", "subscriber_id", "state", "due_at", "next_at", "changed_at"]
_NEW += ["reason_key", "variant_id"]


def add_rows(
    connection: sa.Connection, rows: sa.Select[Any], values: Mapping[str, str] | None = None
) -> int:
    """Insert rows of the ledger; those that are there stay. Return how many are new."""
    statement = upsert(connection, delivery).from_select(_NEW, rows)
    statement = statement.on_conflict_do_nothing(index_elements=["issue_id", "subscriber_id"])
    return connection.execute(statement, values or {}).rowcount


NEW_EPOCH = delivery.c.epoch + 1  # of a row that changes hands: who held it can't move it


def moving(
    rows: sa.ColumnElement[bool], state: DeliveryState, now: Any, **changes: Any
) -> sa.Update:
    """Return the statement that moves rows to a state; `now` is an instant, or the parameter NOW."""
    return sa.update(delivery).where(rows).values(state=state, changed_at=now, **changes)


def same_epoch(rows: sa.Subquery) -> sa.ColumnElement[bool]:
    return (
        (delivery.c.issue_id == rows.c.issue_id)
        & (delivery.c.subscriber_id == rows.c.subscriber_id)
        & (delivery.c.epoch == rows.c.epoch)
    )


def in_states(*states: DeliveryState) -> sa.ColumnElement[Any]:
    """Return the condition that a row is in a state; the hint makes the index of states used, not all rows of an issue."""
    # Literals instead of parameters: otherwise a server may not use an index of some states.
    literals = sa.bindparam(
        "states", [*states], sa.Text(), unique=True, expanding=True, literal_execute=True
    )
    return unlikely(delivery.c.state.in_(literals))


def held_in(*states: DeliveryState) -> sa.ColumnElement[Any]:
    """Return the condition that a lease holds a row; a server's index of held rows needs it said that they have a lease."""
    return in_states(*states) & delivery.c.lease_id.is_not(None)


def first_free(
    issue_id: int | sa.ColumnElement[int], state: DeliveryState
) -> sa.Select[tuple[datetime]]:
    """Return a query for when the first row in a state is due, in the order of the index: without, a server reads all rows."""
    literal_state = sa.literal(state, sa.Text(), literal_execute=True)
    return (
        sa.select(delivery.c.next_at)
        .where(delivery.c.issue_id == issue_id, delivery.c.state == literal_state)
        .order_by(delivery.c.next_at)
        .limit(1)
    )


def has_free(issue_id: int | sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    queries = (first_free(issue_id, one) for one in CLAIMABLE_STATES)
    return sa.or_(*(one.scalar_subquery().is_not(None) for one in queries))


# Deferred recipients who have been due for so long are not last any more: at a low rate, first tries can take days.
OVERDUE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is ours to send, as long as it has this epoch."""

    issue_id: int
    recipient: Recipient
    epoch: int
    attempts: int
    due_at: datetime
    tried_at: datetime | None
    # The state before the claim, to which the row returns if nothing is sent.
    was: DeliveryState = DeliveryState.PENDING
    # The issue's variant that the recipient gets; None for its own digest.
    variant_id: int | None = None

    @property
    def key(self) -> MessageKey:
        return self.issue_id, self.recipient.id

    @property
    def domain(self) -> str:
        return self.recipient.address.rpartition("@")[2].lower()


NOW = sa.bindparam("now", type_=UTCDateTime)
_ROW = row_values("issue_id", "subscriber_id", "epoch")
IS_CLAIMED = same_epoch(_ROW) & (delivery.c.state == DeliveryState.CLAIMED)
_LEFT = {"lease_id": None, "reason": None, "reason_key": HAS_UNSUBSCRIBED.key}
SUPPRESS_CLAIMED = moving(IS_CLAIMED, DeliveryState.SUPPRESSED, NOW, **_LEFT)

_OF_ISSUE = delivery.c.issue_id == sa.bindparam("of")
_FREE = sa.select(delivery.c.subscriber_id).where(
    _OF_ISSUE,
    # A literal instead of a parameter: otherwise the partial index is not used.
    delivery.c.state == sa.bindparam("free", type_=sa.Text(), literal_execute=True),
    delivery.c.next_at <= sa.bindparam("at", type_=UTCDateTime),
)
# If the database locks rows, these are locked, and other processes skip them.
_DUE = (
    _FREE.where(
        sa.exists().where(
            issue_table.c.id == sa.bindparam("of"), issue_table.c.state == IssueState.SENDING
        )
    )
    .order_by(*delivery.c["next_at", "variant_id", "subscriber_id"])
    .limit(sa.bindparam("most"))
    .with_for_update(of=delivery, skip_locked=True)
    .cte("due")
)
_CLAIM = (
    sa.update(delivery)
    .where(_OF_ISSUE, delivery.c.subscriber_id.in_(sa.select(_DUE.c.subscriber_id)))
    .values(
        state=DeliveryState.CLAIMED,
        epoch=NEW_EPOCH,
        lease_id=sa.bindparam("lease"),
        changed_at=sa.bindparam("now", type_=UTCDateTime),
    )
    .returning(
        *delivery.c["subscriber_id", "epoch", "attempts", "due_at", "tried_at", "variant_id"],
        # Only compared, so it is read as it is stored.
        sa.type_coerce(delivery.c.next_at, sa.Text).label("waits_since"),
    )
)


def claim(
    connection: sa.Connection, issue_id: int, lease_id: int, now: datetime, most: int
) -> list[Claim]:
    """Claim up to `most` due rows of an issue: first tries as they became due, then deferred ones. An empty list: none is due."""
    claims: list[Claim] = []
    for free in CLAIMABLE_STATES:
        values = {"of": issue_id, "free": free, "now": now, "at": now, "lease": lease_id}
        claims += _claim(connection, values, most - len(claims))
    return claims


def claim_overdue(
    connection: sa.Connection, issue_id: int, lease_id: int, now: datetime, most: int
) -> list[Claim]:
    values = {"of": issue_id, "free": DeliveryState.DEFERRED, "now": now, "lease": lease_id}
    return _claim(connection, values | {"at": now - OVERDUE}, most)


def _claim(connection: sa.Connection, values: dict[str, Any], most: int) -> list[Claim]:
    claims: list[Claim] = []
    while (wanted := most - len(claims)) > 0:
        claimed = connection.execute(_CLAIM, values | {"most": wanted}).all()
        # They come in the order in which they were moved.
        rows = sorted(claimed, key=_place)
        claims += _with_addresses(connection, rows, values)
        if len(rows) < wanted:
            break
    return claims


def _place(row: sa.Row[Any]) -> tuple[str, int, int]:
    return row.waits_since, row.variant_id or 0, row.subscriber_id


def _with_addresses(
    connection: sa.Connection, rows: Sequence[sa.Row[Any]], values: Mapping[str, Any]
) -> list[Claim]:
    """Look up the recipients of claimed rows. Suppress rows of erased subscribers."""
    if not rows:
        return []
    issue_id, free = values["of"], values["free"]
    recipients = {
        recipient.id: recipient
        for recipient in load_recipients(connection, [row.subscriber_id for row in rows])
    }
    erased = [
        (issue_id, row.subscriber_id, row.epoch)
        for row in rows
        if row.subscriber_id not in recipients
    ]
    if erased:
        connection.execute(SUPPRESS_CLAIMED, {ROWS: json_rows(erased), "now": values["now"]})
    return [
        Claim(
            issue_id,
            recipients[row.subscriber_id],
            row.epoch,
            row.attempts,
            row.due_at,
            row.tried_at,
            free,
            row.variant_id,
        )
        for row in rows
        if row.subscriber_id in recipients
    ]


# A released row returns to its former state; without `next_at`, it is due when it was before.
RETURNED = row_values("issue_id", "subscriber_id", "epoch", "state", "next_at")
_RELEASE = (
    sa.update(delivery)
    .where(same_epoch(RETURNED), delivery.c.state == DeliveryState.CLAIMED)
    .values(
        state=RETURNED.c.state,
        lease_id=None,
        next_at=sa.func.coalesce(RETURNED.c.next_at, delivery.c.next_at),
        changed_at=NOW,
    )
)


def postpone_claims(
    connection: sa.Connection, claims: Mapping[Claim, datetime | None], now: datetime
) -> int:
    """Release claims until a later instant, if there is one. Returns how many were still ours."""
    rows = json_rows((*one.key, one.epoch, one.was, at) for one, at in claims.items())
    return connection.execute(_RELEASE, {ROWS: rows, "now": now}).rowcount if claims else 0


def release_claims(connection: sa.Connection, claims: Iterable[Claim], now: datetime) -> int:
    return postpone_claims(connection, dict.fromkeys(claims), now)


# Issue by issue, along the index: for all of them at once, the rows would be scanned.
_FIRST_DUE = (
    first_free(issue_table.c.id, DeliveryState.PENDING).correlate(issue_table).scalar_subquery()
)


def next_due_at(connection: sa.Connection, issues: Sequence[int]) -> datetime | None:
    """Return when the next postponed row is due, of issues that are being sent; deferred rows do not count."""
    query = sa.select(sa.func.min(_FIRST_DUE)).where(
        issue_table.c.id.in_(issues), issue_table.c.state == IssueState.SENDING
    )
    return connection.execute(query).scalar_one_or_none()


# In the order of the index, as `first_free`.
_COUNT_FREE = sa.select(sa.func.count()).select_from(
    _FREE.order_by(delivery.c.next_at).limit(sa.bindparam("most")).subquery()
)


def count_due(
    connection: sa.Connection, issues: Sequence[int], now: datetime, most: int
) -> int:
    count = 0
    for issue_id, state in product(issues, CLAIMABLE_STATES):
        if count < most:
            values = {"of": issue_id, "free": state, "at": now, "most": most - count}
            count += connection.execute(_COUNT_FREE, values).scalar_one()
    return count


_WANTED = sa.select(
    still_wanted(
        issue_table.c.newsletter,
        sa.bindparam("subscriber", type_=sa.Integer()),
        # As columns store it: values of a prepared query are not converted.
        sa.bindparam("now", type_=sa.Text()),
    )
).where(issue_table.c.id == sa.bindparam("of"), issue_table.c.state == IssueState.SENDING)


class LedgerRecheck:
    """The last look at a row before its mail leaves, for one thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._query = database.prepared(_WANTED)
        self._clock = clock

    def __call__(self, claim: Claim) -> bool | None:
        """Return whether the recipient still wants the mail, or None if its issue was stopped."""
        now = f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}"
        row = self._query({"of": claim.issue_id, "subscriber": claim.recipient.id, "now": now})
        return bool(row[0]) if row else None

    def close(self) -> None:
        self._query.close()
