"""Run the send workers and the ledger writer until nothing more can be sent now.

What is deferred, or waits for a rate limit for long, is left to a later run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Thread
from time import monotonic, sleep
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from publisher.clock import uptime
from publisher.database import Database
from publisher.delivery.lease_holder import HeldLease
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.claims import Claim, LedgerRecheck
from publisher.delivery.ledger_writer import LedgerBatch, LedgerWriter
from publisher.delivery.transports.base import OutgoingMessage, Transport
from publisher.delivery.work_queue import WorkQueue
from publisher.delivery.worker import SendWorker
from publisher.errors import DatabaseError, StorageError

log = structlog.get_logger()

_Written = TypeVar("_Written")

# Share of a lease after which sending stops by itself. The rest is a margin for the process
# that takes over.
FENCE = 0.75
# A worker that failed to connect so often in a row is not the only one.
_HOPELESS_FAILURES = 3
# Seconds for which a database that can't be written to is tried again.
DATABASE_PATIENCE = 60.0
# Seconds between looks at due rows and at the lease, if no worker needs the writer before.
_WRITE_INTERVAL = 0.5
# Seconds that workers get to finish their current messages when the program is to stop.
SHUTDOWN_SECONDS = 30.0
# Seconds between checks for new work.
NEW_WORK_INTERVAL = 5.0


class LeaseFence:
    """Open while the lease is certainly ours. Once it is closed, no message may be sent."""

    def __init__(self) -> None:
        self._until = uptime() + FENCE * leases.LEASE_SECONDS

    def extend(self, since: float) -> None:
        """Extend it, counted from the start of the transaction that renewed the lease."""
        self._until = since + FENCE * leases.LEASE_SECONDS

    def close(self) -> None:
        """Let nothing more be sent, whatever the lease."""
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return uptime() < self._until


class WorkerPool:
    """The workers of one lease, with their ledger writer."""

    def __init__(  # noqa: PLR0913  # the parts of a run
        self,
        database: Database,
        transport: Transport,
        lease: HeldLease,
        queue: WorkQueue,
        writer: LedgerWriter,
        *,
        report_progress: Callable[[], None],
        has_new_work: Callable[[], bool],
    ) -> None:
        self._database = database
        self._transport = transport
        self._lease = lease
        self._queue = queue
        self._writer = writer
        self._report_progress = report_progress
        self._has_new_work = has_new_work
        self._fence = LeaseFence()
        self._failing_since: float | None = None
        self._written_at = 0.0
        self._checked_at = monotonic()

    def run(self, compose: Callable[[Claim], OutgoingMessage]) -> bool:
        """Send until nothing more can be sent now, or there is new work. Returns the latter.

        Raises Unreachable if the other side can't be reached or accepts nothing, DatabaseError
        if the ledger can't be written for long, LeaseLost if another process has taken over, and
        whatever `report_progress` raises. In any case messages under way are finished and their
        results are written.
        """
        rechecks = [
            LedgerRecheck(self._database, self._writer.clock)
            for _ in range(self._queue.workers)
        ]
        threads = self._start(rechecks, compose)
        ran_to_end = new_work = False
        try:
            while not new_work:
                self._write_if_needed()
                self._report_progress()
                # Not after the wait: once the last results are written, nobody ends it.
                if self._is_done():
                    break
                self._queue.wait(
                    min(_WRITE_INTERVAL, self._writer.rate_wait or _WRITE_INTERVAL)
                )
                new_work = self._check_new_work()
            ran_to_end = not new_work
        finally:
            all_stopped = self._stop(threads)
            for recheck in rechecks:
                recheck.close()
            self._write_last(ran_to_end=ran_to_end, all_stopped=all_stopped)
        self._queue.raise_fault()
        return new_work

    def _start(
        self, rechecks: Sequence[LedgerRecheck], compose: Callable[[Claim], OutgoingMessage]
    ) -> list[Thread]:
        """Start a worker for each recheck connection."""
        connect = partial(self._transport.connect, self._lease.id, lambda: self._fence.is_open)
        threads = [
            SendWorker(number, self._queue, connect, compose, recheck).thread
            for number, recheck in enumerate(rechecks)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _stop(self, threads: Sequence[Thread]) -> bool:
        """Let workers finish their messages. Returns whether all did; the others are fenced."""
        self._queue.close()
        deadline = monotonic() + SHUTDOWN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
        all_stopped = not any(thread.is_alive() for thread in threads)
        if not all_stopped:
            self._fence.close()
        return all_stopped

    def _write_last(self, *, ran_to_end: bool, all_stopped: bool) -> None:
        """Write the last results and return all rows, and the lease if no worker is sending.

        Only this process has the results, so here, too, a database that can't be written to is
        tried again. The lease has their page until it is recorded.
        """
        self._writer.drain()
        # What came before must not leave no time for what nobody else knows.
        self._failing_since = None
        write = partial(self._writer.write_last, ran_to_end=ran_to_end, all_stopped=all_stopped)
        self._apply(self._write_patiently(write))
        if all_stopped:
            self._write_patiently(partial(leases.release_lease, lease_id=self._lease.id))
        self._lease.is_released = all_stopped

    def _write_patiently(self, write: Callable[[Connection], _Written]) -> _Written:
        while True:
            try:
                with self._database.writing() as connection:
                    return write(connection)
            except DatabaseError as error:
                self._wait_for_database(error)
                sleep(_WRITE_INTERVAL)

    def _write_if_needed(self) -> None:
        """Write a batch if there are results, workers need rows, or the lease gets old."""
        has_news = self._writer.drain()
        is_due = monotonic() - self._written_at > _WRITE_INTERVAL
        if not (has_news or is_due or self._writer.needs_rows):
            return
        started = uptime()
        try:
            batch = self._write()
        except DatabaseError as error:
            self._wait_for_database(error)
            return
        self._failing_since = None
        self._written_at = monotonic()
        self._fence.extend(started)
        self._apply(batch)

    def _apply(self, batch: LedgerBatch) -> None:
        """Hand a committed batch out once it is on record outside the database, which may be full, too."""
        while True:
            try:
                self._writer.after_commit(batch)
            except StorageError as error:
                self._wait_for_database(error)
                sleep(_WRITE_INTERVAL)
            else:
                self._failing_since = None
                return

    def _write(self) -> LedgerBatch:
        with self._database.writing() as connection:
            return self._writer.write(connection)

    def _wait_for_database(self, error: DatabaseError | StorageError) -> None:
        """Tolerate a full disk or a lock for a while. Raises the error after that."""
        now = monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.error(
                "the ledger can't be written; nothing is sent meanwhile", reason=str(error)
            )
        if now - self._failing_since > DATABASE_PATIENCE:
            raise error
        self._written_at = now

    def _check_new_work(self) -> bool:
        """Return, every few seconds, whether there is new work."""
        if monotonic() - self._checked_at < NEW_WORK_INTERVAL:
            return False
        self._checked_at = monotonic()
        try:
            return self._has_new_work()
        except DatabaseError as error:
            # `_wait_for_database` decides when that has lasted for too long.
            log.warning("can't check for new work", reason=str(error))
            return False

    def _is_done(self) -> bool:
        """Return whether all that can be sent now is sent. Raises what makes going on useless."""
        self._queue.raise_fault()
        self._writer.raise_if_rejected()
        self._raise_if_all_failed()
        is_done = self._writer.is_done and self._queue.is_idle
        if is_done:
            self._writer.raise_if_rejected(at_end=True)
        return is_done

    def _raise_if_all_failed(self) -> None:
        """Raise the connection error if no worker gets through; one could send for all."""
        hopeless = [
            error
            for failures, error in self._queue.connection_errors()
            if failures >= _HOPELESS_FAILURES or error.is_final
        ]
        if hopeless and len(hopeless) == self._queue.workers:
            raise max(hopeless, key=lambda error: error.is_final)
