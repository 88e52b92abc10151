"""Rows of the leader and of running processes, in the caller's transaction.

A transaction of the leader locks the leader's row in a mode that only a change of leader conflicts with: renewing the
lease goes on beside it, and a new leader waits for its end.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from publisher.database.dialect.sql import KEYED, upsert, upsert_by_key
from publisher.database.metadata import metadata
from publisher.errors import LeaderLostError

# Instants are seconds since the epoch.
leader = sa.Table(
    "leader",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # what is led: one row, `publication`
    # The process's id, and where its locks count (`publisher.files.lock_scope`).
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    # Grows with each change of leader. What a former one writes is refused by it.
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("until", sa.Float, nullable=False),  # another process may lead after this instant
    # The last epoch whose leader wrote files. The folder that it wrote to has the number as well.
    sa.Column("files_epoch", sa.Integer, nullable=False),
    info=KEYED,
)

running_process = sa.Table(
    "running_process",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("until", sa.Float, nullable=False),  # it runs no more if this is past
    info=KEYED,
)

_NAME = "publication"
# Seconds. A leader that does not renew its lease is followed by another process after so long, and
# then at that one's next cycle. Together this must stay below 40 seconds.
LEADER_SECONDS = 20.0
_FORGET_AFTER = 3600.0  # seconds after which nobody asks any more whether a process ran


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs the publication. `scope` is where its locks count."""

    id: str
    host: str
    pid: int
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads: the id of its process, its epoch, and the seconds that are left of its lease."""

    holder: str
    epoch: int
    seconds: float


def take_or_renew(
    connection: sa.Connection, process: Process, epoch: int | None, now: float
) -> int | None:
    """Renew the lease of this epoch, or take a free one with a new epoch. Return the epoch; None if another process leads."""
    if epoch is not None:
        renewal = sa.update(leader).where(_is_led_by(process.id, epoch))
        if connection.execute(renewal.values(until=now + LEADER_SECONDS)).rowcount:
            return epoch
    return _take(connection, process, now)


def _take(connection: sa.Connection, process: Process, now: float) -> int | None:
    # A look first: to lock the row waits for what the leader is storing.
    if not _is_free(connection, process, now, locks=False):
        return None
    values = {"holder": process.id, "scope": process.scope, "until": now + LEADER_SECONDS}
    first = upsert(connection, leader).values(name=_NAME, epoch=1, files_epoch=0, **values)
    if connection.execute(first.on_conflict_do_nothing(index_elements=["name"])).rowcount:
        return 1
    if not _is_free(connection, process, now, locks=True):
        return None
    following = sa.update(leader).where(leader.c.name == _NAME)
    connection.execute(following.values(epoch=leader.c.epoch + 1, **values))
    new = sa.select(leader.c.epoch).where(leader.c.name == _NAME)
    return int(connection.execute(new).scalar_one())


def _is_free(connection: sa.Connection, process: Process, now: float, *, locks: bool) -> bool:
    """Return whether nobody leads: the lease is over, or its process has died here.

    It has if its locks count where ours do, since we hold the lock of the publication there.
    """
    query = sa.select(leader.c.until, leader.c.scope).where(leader.c.name == _NAME)
    row = connection.execute(query.with_for_update() if locks else query).first()
    return row is None or row.until < now or row.scope == process.scope


def require_epoch(connection: sa.Connection, holder: str, epoch: int) -> None:
    """Raise LeaderLostError unless this process leads with this epoch, until the transaction ends."""
    query = sa.select(leader.c.epoch).where(_is_led_by(holder, epoch))
    if connection.execute(query.with_for_update(read=True, key_share=True)).first() is None:
        raise LeaderLostError


def raise_epoch(connection: sa.Connection, holder: str, epoch: int, new: int) -> None:
    """Go on leading with a later epoch. Raise LeaderLostError if another process leads."""
    raised = sa.update(leader).where(_is_led_by(holder, epoch)).values(epoch=new)
    if not connection.execute(raised).rowcount:
        raise LeaderLostError


def _is_led_by(holder: str, epoch: int) -> sa.ColumnElement[bool]:
    return (leader.c.name == _NAME) & (leader.c.holder == holder) & (leader.c.epoch == epoch)


def files_epoch(connection: sa.Connection) -> int:
    query = sa.select(leader.c.files_epoch).where(leader.c.name == _NAME)
    return int(connection.execute(query).scalar_one())


def set_files_epoch(connection: sa.Connection, epoch: int) -> None:
    connection.execute(
        sa.update(leader).where(leader.c.name == _NAME).values(files_epoch=epoch)
    )


def report_running(connection: sa.Connection, process: Process, now: float) -> None:
    row = {"id": process.id, "host": process.host, "pid": process.pid}
    row |= {"until": now + LEADER_SECONDS}
    connection.execute(upsert_by_key(connection, running_process), row)
    old = running_process.c.until < now - _FORGET_AFTER
    connection.execute(sa.delete(running_process).where(old))


def end_process(connection: sa.Connection, process: Process) -> None:
    is_ours = (leader.c.name == _NAME) & (leader.c.holder == process.id)
    connection.execute(sa.update(leader).where(is_ours).values(until=0.0))
    connection.execute(sa.delete(running_process).where(running_process.c.id == process.id))


def current_leader(connection: sa.Connection, now: float) -> Leader | None:
    query = sa.select(leader).where(leader.c.name == _NAME, leader.c.until >= now)
    row = connection.execute(query).first()
    return Leader(row.holder, row.epoch, row.until - now) if row else None


def running_processes(connection: sa.Connection, now: float) -> list[Process]:
    query = sa.select(running_process).where(running_process.c.until >= now)
    rows = connection.execute(query.order_by(running_process.c.host, running_process.c.pid))
    return [Process(row.id, row.host, row.pid) for row in rows]
