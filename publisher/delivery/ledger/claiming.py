"""Taking rows up, and putting them down again: claims, marks, and what undoes them.

A claim says who will send; a mark, committed before a message may leave, that sending has begun.
Each verb moves only rows that stand where it expects them, under the epoch that it knows, so
that who has lost a row finds out by not moving it. Knows no message and no transport.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Text,
    bindparam,
    case,
    exists,
    func,
    null,
    select,
    type_coerce,
    update,
)

from publisher.database.metadata import UTCDateTime
from publisher.delivery.ledger import stopping
from publisher.delivery.ledger.rows import NONE, ROWS, as_rows, told, written
from publisher.delivery.states import FREE, DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.life import State
from publisher.issues.tables import issue
from subscribers import Recipient, recipients, still_wanted

GONE = "no longer subscribed"

# The row of the ledger: issue and subscriber.
Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is ours to send, as long as it has this epoch."""

    issue_id: int
    reader: Recipient
    epoch: int
    attempts: int
    due_at: datetime
    tried_at: datetime | None

    @property
    def key(self) -> Key:
        """The row of the ledger."""
        return self.issue_id, self.reader.id

    @property
    def domain(self) -> str:
        """Where the message goes."""
        return self.reader.address.rpartition("@")[2].lower()


HERE = delivery.c.issue_id == bindparam("of")

CLAIM = (
    update(delivery)
    .where(
        HERE,
        delivery.c.subscriber_id.in_(
            select(delivery.c.subscriber_id)
            .where(
                HERE,
                delivery.c.state == bindparam("free"),
                delivery.c.next_at <= bindparam("now", type_=UTCDateTime),
                exists().where(issue.c.id == bindparam("of"), issue.c.state == State.SENDING),
            )
            .order_by(delivery.c.next_at, delivery.c.subscriber_id)
            .limit(bindparam("most"))
        ),
    )
    .values(
        state=DeliveryState.CLAIMED,
        epoch=delivery.c.epoch + 1,
        sender=bindparam("holder"),
        changed_at=bindparam("now", type_=UTCDateTime),
    )
    .returning(
        *delivery.c["subscriber_id", "epoch", "attempts", "due_at", "tried_at"],
        # Only compared, so read as it is written.
        type_coerce(delivery.c.next_at, Text).label("waits_since"),
    )
)


def claim(
    connection: Connection, issue_id: int, sender: int, now: datetime, most: int
) -> list[Claim]:
    """Claim up to `most` readers whose time has come; nobody means that there are none.

    Those are chosen first who have waited longest, and last whom the other side has put off.
    A reader who was erased has no address any more, and is suppressed.
    """
    found: list[Claim] = []
    for free in FREE:
        values = {"of": issue_id, "free": free, "now": now, "holder": sender}
        while (wanted := most - len(found)) > 0:
            claimed = connection.execute(CLAIM, values | {"most": wanted}).all()
            # SQLite gives the rows in whichever order it moved them.
            rows = sorted(claimed, key=attrgetter("waits_since", "subscriber_id"))
            found += _addressed(connection, issue_id, rows, now)
            if len(rows) < wanted:
                break
    return found


def _addressed(
    connection: Connection, issue_id: int, rows: Sequence[Row[Any]], now: datetime
) -> list[Claim]:
    """Look up who the readers of claimed rows are, and suppress those who were erased."""
    if not rows:
        return []
    known = recipients(connection, [row.subscriber_id for row in rows])
    readers = {reader.id: reader for reader in known}
    erased = [
        (issue_id, row.subscriber_id, row.epoch)
        for row in rows
        if row.subscriber_id not in readers
    ]
    if erased:
        connection.execute(SUPPRESS_CLAIMED, {ROWS: as_rows(erased), "now": now})
    return [
        Claim(
            issue_id,
            readers[row.subscriber_id],
            row.epoch,
            row.attempts,
            row.due_at,
            row.tried_at,
        )
        for row in rows
        if row.subscriber_id in readers
    ]


ROW = told("issue_id", "subscriber_id", "epoch")
HELD_SO = (
    (delivery.c.issue_id == ROW.c.issue_id)
    & (delivery.c.subscriber_id == ROW.c.subscriber_id)
    & (delivery.c.epoch == ROW.c.epoch)
)
CLAIMED = HELD_SO & (delivery.c.state == DeliveryState.CLAIMED)
NOW = bindparam("now", type_=UTCDateTime)
NEWSLETTER = (
    select(issue.c.newsletter)
    .where(issue.c.id == delivery.c.issue_id, issue.c.state == State.SENDING)
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
SUPPRESS_CLAIMED = (
    update(delivery)
    .where(CLAIMED)
    .values(state=DeliveryState.SUPPRESSED, sender=None, reason=GONE, changed_at=NOW)
)
SUPPRESS_UNWANTED = SUPPRESS_CLAIMED.where(
    ~still_wanted(
        select(issue.c.newsletter)
        .where(issue.c.id == delivery.c.issue_id)
        .correlate(delivery)
        .scalar_subquery(),
        delivery.c.subscriber_id,
    )
)


def mark(
    connection: Connection, claims: Sequence[Claim], now: datetime
) -> tuple[list[Claim], int]:
    """Mark claims as being attempted; gives those that still held, and how many had left.

    Who has left the newsletter by now is suppressed. Rows of an issue that is no longer being
    sent, and rows that somebody else has taken over, are not moved.
    """
    rows = as_rows((*one.key, one.epoch) for one in claims)
    marked = {tuple(row) for row in connection.execute(MARK, {ROWS: rows, "now": now})}
    if len(marked) == len(claims):
        return list(claims), 0
    # A row may be there twice, claimed before a pause and after it: only one of the two holds.
    held = [one for one in claims if (*one.key, one.epoch) in marked]
    rest = as_rows((*one.key, one.epoch) for one in claims if one not in held)
    left = connection.execute(SUPPRESS_UNWANTED, {ROWS: rest, "now": now}).rowcount
    return held, left


WITH_INSTANT = told("issue_id", "subscriber_id", "epoch", "next_at")
PUT_OFF = (
    update(delivery)
    .where(
        delivery.c.issue_id == WITH_INSTANT.c.issue_id,
        delivery.c.subscriber_id == WITH_INSTANT.c.subscriber_id,
        delivery.c.epoch == WITH_INSTANT.c.epoch,
        delivery.c.state == DeliveryState.CLAIMED,
    )
    .values(
        state=DeliveryState.PENDING, sender=None, next_at=WITH_INSTANT.c.next_at, changed_at=NOW
    )
)


def put_off(connection: Connection, claims: Mapping[Claim, datetime], now: datetime) -> int:
    """Give claims back, to be taken up at another time; gives how many were still ours."""
    rows = as_rows((*one.key, one.epoch, written(at)) for one, at in claims.items())
    return connection.execute(PUT_OFF, {ROWS: rows, "now": now}).rowcount


RELEASE = (
    update(delivery)
    .where(CLAIMED)
    .values(state=DeliveryState.PENDING, sender=None, changed_at=NOW)
)
UNMARK = (
    update(delivery)
    # Taken for doubtful, while we were stopped: nobody knows better than we do.
    .where(HELD_SO, delivery.c.state.in_((DeliveryState.ATTEMPTING, DeliveryState.IN_DOUBT)))
    .values(
        state=DeliveryState.PENDING,
        sender=None,
        attempts=delivery.c.attempts - 1,
        tried_at=case((delivery.c.attempts == 1, null()), else_=delivery.c.tried_at),
        changed_at=NOW,
    )
)


def release(connection: Connection, claims: Iterable[Claim], now: datetime) -> int:
    """Give claims back as they were; gives how many were still ours."""
    rows = as_rows((*one.key, one.epoch) for one in claims)
    if rows == NONE:
        return 0
    return connection.execute(RELEASE, {ROWS: rows, "now": now}).rowcount


def unmark(connection: Connection, claims: Iterable[Claim], now: datetime) -> int:
    """Take marks back from messages that were not begun; gives how many were still ours."""
    unbegun = list(claims)
    if not unbegun:
        return 0
    rows = as_rows((*one.key, one.epoch) for one in unbegun)
    count = connection.execute(UNMARK, {ROWS: rows, "now": now}).rowcount
    stopping.amend(connection, {one.issue_id for one in unbegun}, now)
    return count


# Along the index, issue by issue: of all of them at once, SQLite would look at each row.
FIRST = (
    select(delivery.c.next_at)
    .where(delivery.c.issue_id == issue.c.id, delivery.c.state == DeliveryState.PENDING)
    .order_by(delivery.c.next_at)
    .limit(1)
    .correlate(issue)
    .scalar_subquery()
)


def next_due(connection: Connection, issues: Sequence[int]) -> datetime | None:
    """Say when the next row that was put off may be taken up; deferred ones don't count.

    Nor does an issue that is not being sent: it may be paused for days.
    """
    query = select(func.min(FIRST)).where(
        issue.c.id.in_(issues), issue.c.state == State.SENDING
    )
    return connection.execute(query).scalar_one_or_none()


def due(connection: Connection, issues: Sequence[int], now: datetime, most: int) -> int:
    """Count the rows that can be taken up now, as far as `most`."""
    some = (
        select(delivery.c.subscriber_id)
        .where(
            delivery.c.issue_id.in_(issues),
            delivery.c.state.in_(FREE),
            delivery.c.next_at <= now,
        )
        .limit(most)
    )
    return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
