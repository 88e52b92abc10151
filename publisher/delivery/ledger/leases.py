"""Leases: one row for each run that is sending, and what becomes of the rows of a run that was killed.

Claimed rows of a lease that is not renewed are free again; rows that were being attempted are in doubt, or are sent
again if the transport is idempotent. Instants are seconds since the epoch, and arguments.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from publisher.database.dialect.sql import id_of_its_own
from publisher.delivery.causes import INTERRUPTED
from publisher.delivery.ledger.claims import NEW_EPOCH, in_states, moving
from publisher.delivery.states import HELD_STATES, DeliveryState
from publisher.delivery.tables import delivery, send_lease
from publisher.delivery.transports.base import Guarantee
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table

LEASE_SECONDS = 120.0  # a busy database may delay a transaction by half a minute

_COLUMNS = (
    *send_lease.c["id", "expires_at", "transport", "guarantee", "lock_file"],
    send_lease.c.host.label("lock_scope"),
    send_lease.c.page_line,
)

# A cancelled issue may still have messages under way.
_OF_ACTIVE_ISSUES = delivery.c.issue_id.in_(
    sa.select(issue_table.c.id).where(
        issue_table.c.state.in_((IssueState.SENDING, IssueState.PAUSED, IssueState.CANCELLED))
    )
)


@dataclass(frozen=True, slots=True)
class SendLease:
    """A row of the table `send_lease`. `lock_scope` is where its lock file counts, `page_line` the journal's last line of it."""

    id: int
    expires_at: float
    transport: str
    guarantee: Guarantee
    lock_file: str
    lock_scope: str = ""
    page_line: str | None = None


@dataclass(frozen=True, slots=True)
class SenderStatus:
    """A process that sends: host, transport, number of mails it alone may send, until when; it renews that while it runs."""

    host: str
    transport: str
    held: int
    until: datetime


@dataclass(frozen=True, slots=True)
class RevokedRows:
    """How many rows of a revoked lease can be sent again, and how many are in doubt."""

    freed: int = 0
    in_doubt: int = 0


def create_lease(  # the columns of a row
    connection: sa.Connection,
    transport: str,
    guarantee: Guarantee,
    lock_file: str,
    until: float,
    lock_scope: str = "",
) -> int:
    row = sa.insert(send_lease).values(
        **id_of_its_own(connection),
        transport=transport,
        guarantee=guarantee,
        lock_file=lock_file,
        expires_at=until,
        host=lock_scope,
    )
    key = connection.execute(row).inserted_primary_key
    assert key is not None  # noqa: S101  # every database returns it
    return int(key[0])


_RENEW = (
    sa.update(send_lease)
    .where(send_lease.c.id == sa.bindparam("lease"))
    .values(
        expires_at=sa.func.coalesce(
            sa.bindparam("until", type_=sa.Float()), send_lease.c.expires_at
        ),
        page_line=sa.func.coalesce(
            sa.bindparam("line", type_=sa.Text()), send_lease.c.page_line
        ),
    )
)


def renew_lease(
    connection: sa.Connection, lease_id: int, until: float | None, line: str | None = None
) -> bool:
    """Extend a lease if there is an `until`, and store the journal's `line`; return False if it was revoked."""
    values = {"lease": lease_id, "until": until, "line": line}
    return connection.execute(_RENEW, values).rowcount == 1


def release_lease(connection: sa.Connection, lease_id: int) -> None:
    """Delete a lease, unless it still holds rows: then it stays, to be revoked."""
    holds = sa.exists().where(
        _OF_ACTIVE_ISSUES, in_states(*HELD_STATES), delivery.c.lease_id == lease_id
    )
    connection.execute(sa.delete(send_lease).where(send_lease.c.id == lease_id, ~holds))


def list_leases(connection: sa.Connection) -> list[SendLease]:
    query = sa.select(*_COLUMNS).order_by(send_lease.c.id)
    return [SendLease(**row) for row in connection.execute(query).mappings()]


def list_senders(connection: sa.Connection, at: float) -> list[SenderStatus]:
    held = _OF_ACTIVE_ISSUES & in_states(*HELD_STATES) & delivery.c.lease_id.is_not(None)
    count = (
        sa.select(delivery.c.lease_id, sa.func.count())
        .where(held)
        .group_by(delivery.c.lease_id)
    )
    counts = {int(lease_id): number for lease_id, number in connection.execute(count)}
    return [
        SenderStatus(
            one.lock_scope.partition("/")[0],
            one.transport,
            counts.get(one.id, 0),
            datetime.fromtimestamp(one.expires_at, UTC),
        )
        for one in sorted(
            list_leases(connection), key=lambda each: (each.lock_scope, each.transport)
        )
        if one.expires_at >= at
    ]


def revoke_lease(
    connection: sa.Connection, lease: SendLease, now: datetime
) -> RevokedRows | None:
    """Delete a lease and free its rows; return None if it was renewed or revoked since. Epochs stay: a late answer counts."""
    as_read = sa.delete(send_lease).where(
        send_lease.c.id == lease.id, send_lease.c.expires_at == lease.expires_at
    )
    if not connection.execute(as_read).rowcount:
        return None
    held = _OF_ACTIVE_ISSUES & (delivery.c.lease_id == lease.id)
    is_idempotent = lease.guarantee == "idempotent"
    freeable = HELD_STATES if is_idempotent else (DeliveryState.CLAIMED,)
    again = {"epoch": NEW_EPOCH, "lease_id": None}
    freed = moving(held & in_states(*freeable), DeliveryState.PENDING, now, **again)
    attempted = held & in_states(DeliveryState.ATTEMPTING)
    why = {"lease_id": None, "reason": None, "reason_key": INTERRUPTED.key}
    doubtful = moving(attempted, DeliveryState.IN_DOUBT, now, **why)
    return RevokedRows(*(connection.execute(one).rowcount for one in (freed, doubtful)))
