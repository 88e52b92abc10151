"""Taking rows up: a claim says who will send to whom. Whose turn it is, and when the next is.

Knows no message and no transport.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Text,
    bindparam,
    exists,
    func,
    select,
    type_coerce,
    update,
)

from publisher.database.metadata import UTCDateTime
from publisher.delivery.ledger.bulk import ROWS, encode_rows, row_values, same_epoch
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table
from subscribers import Recipient, load_recipients

UNSUBSCRIBED_REASON = "no longer subscribed"

# The row of the ledger: issue and subscriber.
MessageKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """A row that is ours to send, as long as it has this epoch."""

    issue_id: int
    reader: Recipient
    epoch: int
    attempts: int
    due_at: datetime
    tried_at: datetime | None
    # How the row stood, and will stand again if nothing comes of it.
    was: DeliveryState = DeliveryState.PENDING

    @property
    def key(self) -> MessageKey:
        """The row of the ledger."""
        return self.issue_id, self.reader.id

    @property
    def domain(self) -> str:
        """Where the message goes."""
        return self.reader.address.rpartition("@")[2].lower()


ROW = row_values("issue_id", "subscriber_id", "epoch")
CLAIMED = same_epoch(ROW) & (delivery.c.state == DeliveryState.CLAIMED)
NOW = bindparam("now", type_=UTCDateTime)
SUPPRESS = (
    update(delivery)
    .where(CLAIMED)
    .values(
        state=DeliveryState.SUPPRESSED, sender=None, reason=UNSUBSCRIBED_REASON, changed_at=NOW
    )
)

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
                delivery.c.next_at <= bindparam("at", type_=UTCDateTime),
                exists().where(
                    issue_table.c.id == bindparam("of"),
                    issue_table.c.state == IssueState.SENDING,
                ),
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


# A reader who has been due for so long is not last any more: where rates are low, first tries can
# take days.
OVERDUE = timedelta(hours=1)


def claim(
    connection: Connection, issue_id: int, sender: int, now: datetime, most: int
) -> list[Claim]:
    """Claim up to `most` readers whose time has come; nobody means that there are none.

    Those are chosen first who have waited longest, and last whom the other side has put off.
    A reader who was erased has no address any more, and is suppressed.
    """
    found: list[Claim] = []
    for free in CLAIMABLE_STATES:
        values = {"of": issue_id, "free": free, "now": now, "at": now, "holder": sender}
        found += _claimed(connection, values, most - len(found))
    return found


def claim_overdue(
    connection: Connection, issue_id: int, sender: int, now: datetime, most: int
) -> list[Claim]:
    """Claim up to `most` readers whom the other side has put off, and who were due an hour ago."""
    values = {"of": issue_id, "free": DeliveryState.DEFERRED, "now": now, "holder": sender}
    return _claimed(connection, values | {"at": now - OVERDUE}, most)


def _claimed(connection: Connection, values: dict[str, Any], most: int) -> list[Claim]:
    """Claim so many who stand as `values` say; those who were erased don't count."""
    found: list[Claim] = []
    while (wanted := most - len(found)) > 0:
        claimed = connection.execute(CLAIM, values | {"most": wanted}).all()
        # SQLite gives the rows in whichever order it moved them.
        rows = sorted(claimed, key=attrgetter("waits_since", "subscriber_id"))
        found += _addressed(connection, rows, values)
        if len(rows) < wanted:
            break
    return found


def _addressed(
    connection: Connection, rows: Sequence[Row[Any]], values: Mapping[str, Any]
) -> list[Claim]:
    """Look up who the readers of claimed rows are, and suppress those who were erased."""
    if not rows:
        return []
    issue_id, free = values["of"], values["free"]
    known = load_recipients(connection, [row.subscriber_id for row in rows])
    readers = {reader.id: reader for reader in known}
    erased = [
        (issue_id, row.subscriber_id, row.epoch)
        for row in rows
        if row.subscriber_id not in readers
    ]
    if erased:
        connection.execute(SUPPRESS, {ROWS: encode_rows(erased), "now": values["now"]})
    return [
        Claim(
            issue_id,
            readers[row.subscriber_id],
            row.epoch,
            row.attempts,
            row.due_at,
            row.tried_at,
            free,
        )
        for row in rows
        if row.subscriber_id in readers
    ]


# Along the index, issue by issue: of all of them at once, SQLite would look at each row.
FIRST = (
    select(delivery.c.next_at)
    .where(delivery.c.issue_id == issue_table.c.id, delivery.c.state == DeliveryState.PENDING)
    .order_by(delivery.c.next_at)
    .limit(1)
    .correlate(issue_table)
    .scalar_subquery()
)


def next_due_at(connection: Connection, issues: Sequence[int]) -> datetime | None:
    """Say when the next row that was put off may be taken up; deferred ones don't count.

    Nor does an issue that is not being sent: it may be paused for days.
    """
    query = select(func.min(FIRST)).where(
        issue_table.c.id.in_(issues), issue_table.c.state == IssueState.SENDING
    )
    return connection.execute(query).scalar_one_or_none()


def count_due(connection: Connection, issues: Sequence[int], now: datetime, most: int) -> int:
    """Count the rows that can be taken up now, as far as `most`."""
    some = (
        select(delivery.c.subscriber_id)
        .where(
            delivery.c.issue_id.in_(issues),
            delivery.c.state.in_(CLAIMABLE_STATES),
            delivery.c.next_at <= now,
        )
        .limit(most)
    )
    return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
