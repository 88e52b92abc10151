"""Who may send: this process gets a number and a lease, and the dead lose theirs.

While a sender lives it keeps a file locked; the kernel frees that on any death, so that what a
killed process held is taken back at once, and not when its lease has run out. One that was only
stopped keeps its lock, and loses its lease. Knows no message.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from publisher.clock import Timer
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger import leases, lifecycle
from publisher.delivery.transports.base import Transport
from publisher.errors import DatabaseError

log = structlog.get_logger()


@dataclass(slots=True)
class HeldLease:
    """This process among those that send; `is_over` says that nothing is held any more."""

    number: int
    is_over: bool = False


@contextmanager
def hold_lease(
    settings: Settings, database: Database, transport: Transport, timer: Timer
) -> Iterator[HeldLease]:
    """Be one of those who send, while this lasts; raises DatabaseError if that can't be written.

    The caller says when it holds nothing any more. Otherwise the row stays, and with it the
    claims, until somebody finds that the lock is free.
    """
    lock = settings.folders.senders / f"{secrets.token_hex(8)}.lock"
    place: HeldLease | None = None
    with _locked(lock):
        try:
            with database.writing() as connection:
                number = leases.create_lease(
                    connection,
                    transport.name,
                    transport.guarantee,
                    lock.name,
                    timer.time() + leases.LEASE_SECONDS,
                )
            place = HeldLease(number)
            yield place
        finally:
            if place is None or place.is_over:
                with suppress(OSError):
                    lock.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(f"{path.parent}: can't be locked: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def revoke_dead_leases(
    settings: Settings,
    database: Database,
    timer: Timer,
    now: datetime,
    *,
    ours: int | None = None,
) -> set[int]:
    """Take back what senders hold that are dead, or have lost their lease; gives the others.

    Who renews its lease in this very moment keeps it; and so do we: that is the clerk's to see.
    """
    with database.reading() as connection:
        known = leases.list_leases(connection)
    living = set()
    for gone in known:
        lock = settings.folders.senders / gone.lock
        lives = gone.lease_until >= timer.time() and _is_held(lock)
        if lives or gone.id == ours:
            living.add(gone.id)
            continue
        with database.writing() as connection:
            found = leases.revoke_lease(connection, gone, now)
            lifecycle.sweep_cancelled(connection, now)
        if found is None:
            living.add(gone.id)
            continue
        with suppress(OSError):
            lock.unlink()
        log.info("a sender is gone", freed=found.freed, in_doubt=found.in_doubt)
    return living


def _is_held(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        # Not ours to judge: the lease will.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
