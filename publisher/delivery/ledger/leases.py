"""Who is sending: one row for each turn of delivering, with a lease that is renewed.

A sender that does not renew loses what it holds: what was claimed can be claimed by others, and
what was being attempted is in doubt, or can be tried again where twice is the same as once.
Knows no clock: instants are seconds since the epoch, and arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select, update

from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery, sender
from publisher.delivery.transports.base import Guarantee
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table

# Well over the half minute that a busy database may keep a transaction waiting.
LEASE_SECONDS = 120.0

INTERRUPTED_REASON = "the program was stopped while it was being sent, before the answer came"
# An issue that was cancelled may have messages on their way still.
UNDER_WAY = (IssueState.SENDING, IssueState.PAUSED, IssueState.CANCELLED)
OF_ISSUES_UNDER_WAY = delivery.c.issue_id.in_(
    select(issue_table.c.id).where(issue_table.c.state.in_(UNDER_WAY))
)
HELD = (DeliveryState.CLAIMED, DeliveryState.ATTEMPTING)


@dataclass(frozen=True, slots=True)
class SendLease:
    """One turn of delivering."""

    id: int
    lease_until: float
    transport: str
    guarantee: Guarantee
    lock: str


@dataclass(frozen=True, slots=True)
class RecoveredRows:
    """What was taken back: how many rows can be sent again, and how many are in doubt."""

    freed: int = 0
    in_doubt: int = 0


def create_lease(
    connection: Connection, transport: str, guarantee: Guarantee, lock: str, until: float
) -> int:
    """Write down a new sender; gives its number."""
    row = insert(sender).values(
        transport=transport, guarantee=guarantee, lock=lock, lease_until=until
    )
    key = connection.execute(row).inserted_primary_key
    assert key is not None  # noqa: S101  # SQLite gives the number of every row it takes
    return int(key[0])


def renew_lease(connection: Connection, number: int, until: float) -> bool:
    """Lengthen a lease; says whether the sender still had it."""
    statement = update(sender).where(sender.c.id == number).values(lease_until=until)
    return connection.execute(statement).rowcount == 1


def release_lease(connection: Connection, number: int) -> None:
    """Strike out a sender that holds nothing any more; one that does stays, to be dismissed."""
    holds = exists().where(OF_ISSUES_UNDER_WAY, in_states(*HELD), delivery.c.sender == number)
    connection.execute(delete(sender).where(sender.c.id == number, ~holds))


def list_leases(connection: Connection) -> list[SendLease]:
    """List the senders."""
    query = select(sender).order_by(sender.c.id)
    return [SendLease(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # public


def revoke_lease(
    connection: Connection, gone: SendLease, now: datetime
) -> RecoveredRows | None:
    """Take back what a sender holds, and its lease; it can't send any more.

    What it was attempting keeps its epoch: if the sender lives, and hears the answer after all,
    that is the truth. Gives None, and takes nothing, if the lease is not what it was when it was
    looked at: the sender has renewed it, or was dismissed by somebody else.
    """
    lease = delete(sender).where(
        sender.c.id == gone.id, sender.c.lease_until == gone.lease_until
    )
    if not connection.execute(lease).rowcount:
        return None
    taken = update(delivery).where(OF_ISSUES_UNDER_WAY, delivery.c.sender == gone.id)
    freeable = HELD if gone.guarantee == "idempotent" else (DeliveryState.CLAIMED,)
    freed = taken.where(in_states(*freeable)).values(
        state=DeliveryState.PENDING, epoch=delivery.c.epoch + 1, sender=None, changed_at=now
    )
    doubtful = taken.where(in_states(DeliveryState.ATTEMPTING)).values(
        state=DeliveryState.IN_DOUBT, sender=None, reason=INTERRUPTED_REASON, changed_at=now
    )
    return RecoveredRows(
        connection.execute(freed).rowcount, connection.execute(doubtful).rowcount
    )
