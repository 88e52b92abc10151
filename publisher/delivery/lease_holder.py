"""Hold a lease while this process sends, and revoke the leases of processes that have died.

A process keeps a lock file locked while it holds a lease: the kernel frees it on any death, so what a killed process
held is taken back at once. One that was only stopped (SIGSTOP, a sleeping machine) keeps the lock, and its lease
expires. A lock says nothing about other machines, or the time before this one was started: there only the lease's
time counts (`Database.timer`).
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from publisher.clock import Timer
from publisher.config import Settings
from publisher.config.delivery import TRANSPORT_KINDS
from publisher.database import Database
from publisher.delivery.ledger import leases, lifecycle
from publisher.delivery.ledger.attempts import sent_under_lease
from publisher.delivery.lineage.witness import open_witness, read_lineage
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import TEST_LEASE, RecoverableTransport, Transport
from publisher.errors import ConfigError, DatabaseError, DeliveryError
from publisher.files import lock_scope, try_lock
from publisher.log import log


@dataclass(slots=True)
class HeldLease:
    """The lease of this process. Set `is_released` once its row is deleted."""

    id: int
    is_released: bool = False


@contextmanager
def hold_lease(
    settings: Settings, database: Database, transport: Transport, timer: Timer
) -> Iterator[HeldLease]:
    """Hold a lease. Who releases it once no row is held says so; else it stays with its rows until its lock is found open."""
    scope = sender_lock_scope(settings)
    lock = settings.folders.senders / f"{secrets.token_hex(8)}.lock"
    lease: HeldLease | None = None
    with _locked(lock):
        try:
            with database.writing() as connection:
                number = leases.create_lease(
                    connection,
                    transport.name,
                    transport.guarantee,
                    lock.name,
                    timer.time() + leases.LEASE_SECONDS,
                    scope,
                )
            lease = HeldLease(number)
            yield lease
        finally:
            if lease is None or lease.is_released:
                with suppress(OSError):
                    lock.unlink()


def sender_lock_scope(settings: Settings) -> str:
    return lock_scope(settings.folders.senders, settings.host)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(f"{path.parent}: can't be locked: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def reap_dead_senders(
    settings: Settings,
    database: Database,
    timer: Timer,
    now: datetime,
    *,
    own: int | None = None,
) -> list[str]:
    """Take over what dead processes have left, in the ledger and in transports; return the problems. `own` is our lease."""
    problems: list[str] = []
    left: list[tuple[RecoverableTransport, int]] = []
    # Before leases are read: a process that begins to stage after this has a lease by then.
    for kind in _kinds_with_leftovers(settings.folders.root):
        with _collecting(problems):
            transport: RecoverableTransport = create_transport(settings, kind)
            left += [(transport, lease_id) for lease_id in transport.leftovers()]
    living = revoke_dead_leases(settings, database, timer, now, own=own)
    for transport, lease_id in left:
        if lease_id not in living and lease_id != TEST_LEASE:
            with _collecting(problems), database.reading() as connection:
                transport.recover(lease_id, partial(sent_under_lease, connection, lease_id))
    return problems


def _kinds_with_leftovers(root: Path) -> list[str]:
    kinds = TRANSPORT_KINDS.items()
    return [one for one, kind in kinds if kind.leftovers and _may_exist(root / kind.leftovers)]


def _may_exist(path: Path) -> bool:
    """Return whether a path is there. If that can't be seen, the transport says what is wrong."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        log.debug("a transport's folder can't be looked at", reason=str(error))
    return True


@contextmanager
def _collecting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except (DeliveryError, ConfigError) as error:
        problems.append(str(error))
        log.error("staged mail stays where it is", reason=str(error))


def revoke_dead_leases(
    settings: Settings,
    database: Database,
    timer: Timer,
    now: datetime,
    *,
    own: int | None = None,
) -> set[int]:
    """Take rows back from dead processes and expired leases; return the ids of the others. Raise StorageError for a full journal."""
    with database.reading() as connection:
        stored = leases.list_leases(connection)
    own_scopes = ("", sender_lock_scope(settings)) if stored else ()
    living = set()
    for lease in stored:
        lock = settings.folders.senders / lease.lock_file
        is_dead = lease.lock_scope in own_scopes and not _is_locked(lock)
        if lease.id == own or not (is_dead or lease.expires_at < timer.time()):
            living.add(lease.id)
            continue
        revoked = None
        # First: nothing of a page that has no line has left, and with a line nothing of it is unknown.
        open_witness(settings).record_line(lease.page_line, now)
        with database.writing() as connection:
            # Again, by the time of this transaction: a server's clock was read anew.
            if is_dead or lease.expires_at < timer.time():
                revoked = leases.revoke_lease(connection, lease, now)
                lifecycle.sweep_cancelled(connection, now)
        if revoked is None:
            living.add(lease.id)
            continue
        with suppress(OSError):
            lock.unlink()
        log.info("a lease was revoked", freed=revoked.freed, in_doubt=revoked.in_doubt)
    return living


def record_last_pages(settings: Settings, database: Database, now: datetime) -> None:
    """Record the last pages of all leases, before their database is replaced. Raise StorageError."""
    with database.reading() as connection:
        lineage, stored = read_lineage(connection), leases.list_leases(connection)
    if lineage and not (lineage.copied_at or lineage.quarantine_reason):
        for lease in stored:
            open_witness(settings).record_line(lease.page_line, now)


def senders_here(settings: Settings) -> bool:
    return any(_is_locked(lock) for lock in settings.folders.senders.glob("*.lock"))


def senders_died_here(settings: Settings) -> bool:
    """Return whether a process was killed in this folder while it sent, and nobody has taken over yet."""
    return not all(map(_is_locked, settings.folders.senders.glob("*.lock")))


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        # Another user's file: only the expiry of the lease can tell.
        return True
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
