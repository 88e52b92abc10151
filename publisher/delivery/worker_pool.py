"""Run the send workers and the ledger writer until nothing more can be sent now.

A send worker is a thread with one connection that sends the rows in its queue. It gets rows once it is connected, and
checks right before each message that the recipient still wants it. What waits for long is left to a later run.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Thread
from time import monotonic, sleep
from typing import TypeVar

from sqlalchemy import Connection

from publisher.clock import uptime
from publisher.database import Database
from publisher.delivery import causes
from publisher.delivery.lease_holder import HeldLease
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.claims import Claim, LedgerRecheck
from publisher.delivery.ledger_writer import LedgerBatch, LedgerWriter
from publisher.delivery.queues import WorkQueue
from publisher.delivery.transports.base import (
    ANSWERS,
    Outcome,
    OutgoingMessage,
    SendStatus,
    TransportConnection,
    Unreachable,
)
from publisher.errors import DatabaseError, DeliveryError, StorageError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.log import log

# Seconds before a connection is tried again: the first wait doubles up to the longest.
FIRST_RECONNECT_WAIT, _MAX_RECONNECT_WAIT = 0.5, 30.0

_UNSUBSCRIBED = Outcome(SendStatus.UNSUBSCRIBED, cause=causes.HAS_UNSUBSCRIBED)
_FAILED = Outcome(SendStatus.UNKNOWN, cause=causes.PROGRAM_FAILED)


@dataclass(slots=True)
class SendWorker:
    """One worker of the pool."""

    number: int
    queue: WorkQueue
    connect: Callable[[], TransportConnection]
    compose: Callable[[Claim], OutgoingMessage]
    recheck: Callable[[Claim], bool | None]
    thread: Thread = field(init=False)
    _connection: TransportConnection | None = field(init=False, default=None)
    _composed: tuple[Claim, OutgoingMessage] | None = field(init=False, default=None)
    # Spreads reconnects, guards nothing.
    _random: Random = field(init=False, default_factory=Random)

    def __post_init__(self) -> None:
        self.thread = Thread(target=self._run, name=f"worker-{self.number}", daemon=True)

    def _run(self) -> None:
        try:
            failures = 0
            while self.queue.pause(self.number, self._reconnect_wait(failures)):
                error = self._send_until_disconnected()
                failures = failures + 1 if error else 0
                self.queue.disconnected(self.number, error)
                self._close()
        except BaseException as fault:  # noqa: BLE001  # the pool raises it in its own thread
            self.queue.fail(self.number, fault)
        finally:
            self._close()

    def _reconnect_wait(self, failures: int) -> float:
        if not failures:
            return 0.0
        doublings = min(failures - 1, 9)
        wait: float = min(FIRST_RECONNECT_WAIT * 2**doublings, _MAX_RECONNECT_WAIT)
        return wait * (1 + self._random.random())

    def _send_until_disconnected(self) -> Unreachable | None:
        """Connect and send until connection or work ends; return the error, such as an end before anything was answered."""
        has_answered = False
        outcome = Outcome(SendStatus.NOT_SENT)
        try:
            connection = self._connection = self.connect()
            self.queue.connected(self.number)
            while connection.is_open:
                claim = self.queue.take(self.number)
                if claim is None:
                    return None
                outcome = self._deliver(connection, claim) or outcome
                has_answered = has_answered or outcome.status in ANSWERS
        except Unreachable as error:
            log.debug("no connection", worker=self.number, reason=str(error))
            return error
        reason = outcome.reason or "no connection stays open"
        return None if has_answered else Unreachable(reason)

    def _deliver(self, connection: TransportConnection, claim: Claim) -> Outcome | None:
        """Send one message if it is still wanted. Returns None if its issue was stopped."""
        started = monotonic()
        is_wanted = self.recheck(claim)
        if is_wanted is None:
            self.queue.return_current(self.number)
            return None
        outcome = self._send(connection, claim) if is_wanted else _UNSUBSCRIBED
        self.queue.finish(self.number, outcome, monotonic() - started)
        return outcome

    def _send(self, connection: TransportConnection, claim: Claim) -> Outcome:
        try:
            outgoing = self._message_of(claim)
        except DeliveryError as error:
            log.error("recipient left out", subscriber=claim.recipient.id, reason=str(error))
            return Outcome(SendStatus.UNSENDABLE, str(error), causes.UNSENDABLE)
        except Exception as error:
            if stops_all(error):
                raise
            # Nothing of it was sent, so it can wait until the program is mended; others go on.
            log.exception("a message can't be composed", subscriber=claim.recipient.id)
            return Outcome(SendStatus.DEFERRED, explain_fault(error), causes.PROGRAM_FAILED)
        next_message = self._compose_next()
        try:
            return connection.send(outgoing, next_message)
        except Unreachable:
            raise
        except BaseException:
            # It is unknown how much was sent. A returned row would count as not sent.
            self.queue.finish(self.number, _FAILED, 0.0)
            raise

    def _message_of(self, claim: Claim) -> OutgoingMessage:
        composed, self._composed = self._composed, None
        return composed[1] if composed and composed[0] == claim else self.compose(claim)

    def _compose_next(self) -> OutgoingMessage | None:
        claim = self.queue.peek(self.number)
        if claim is None:
            return None
        with suppress(Exception):  # reported when it is this row's turn
            self._composed = claim, self.compose(claim)
            return self._composed[1]
        return None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_Written = TypeVar("_Written")

# Share of a lease after which sending stops by itself. The rest is a margin for the process that takes over.
FENCE = 0.75
_HOPELESS_FAILURES = 3  # a worker that failed to connect so often in a row is not the only one
DATABASE_PATIENCE = 60.0  # seconds for which a database that can't be written to is tried again
# Seconds between looks at due rows and at the lease, if no worker needs the writer before.
_WRITE_INTERVAL = 0.5
# Seconds that workers get to finish their current messages when the program is to stop.
SHUTDOWN_SECONDS = 30.0
NEW_WORK_INTERVAL = 5.0  # seconds between checks for new work


class LeaseFence:
    """Open while the lease is certainly ours. Once it is closed, no message may be sent."""

    def __init__(self) -> None:
        self._until = uptime() + FENCE * leases.LEASE_SECONDS

    def extend(self, since: float) -> None:
        """Extend it, counted from the start of the transaction that renewed the lease."""
        self._until = since + FENCE * leases.LEASE_SECONDS

    def close(self) -> None:
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        return uptime() < self._until


@dataclass(slots=True, kw_only=True)
class WorkerPool:
    """The workers of one lease, with their ledger writer."""

    database: Database
    lease: HeldLease
    writer: LedgerWriter
    report_progress: Callable[[], None]
    has_new_work: Callable[[], bool]
    _fence: LeaseFence = field(init=False, default_factory=LeaseFence)
    _failing_since: float | None = field(init=False, default=None)
    _written_at: float = field(init=False, default=0.0)
    _checked_at: float = field(init=False, default_factory=monotonic)

    def run(self, compose: Callable[[Claim], OutgoingMessage]) -> bool:
        """Send until nothing more can be sent now, or there is new work; return the latter. Results are written whatever it raises."""
        rechecks = [
            LedgerRecheck(self.database, self.writer.clock)
            for _ in range(self.writer.queue.workers)
        ]
        threads = self._start(rechecks, compose)
        ran_to_end = new_work = False
        try:
            while not new_work:
                self._write_if_needed()
                self.report_progress()
                # Not after the wait: once the last results are written, nobody ends it.
                if self._is_done():
                    break
                self.writer.queue.wait(
                    min(_WRITE_INTERVAL, self.writer.fair_queue.rate_wait or _WRITE_INTERVAL)
                )
                new_work = self._check_new_work()
            ran_to_end = not new_work
        finally:
            all_stopped = self._stop(threads)
            for recheck in rechecks:
                recheck.close()
            self._write_last(ran_to_end=ran_to_end, all_stopped=all_stopped)
        self.writer.queue.raise_fault()
        return new_work

    def _start(
        self, rechecks: Sequence[LedgerRecheck], compose: Callable[[Claim], OutgoingMessage]
    ) -> list[Thread]:
        connect = partial(
            self.writer.transport.connect, self.lease.id, lambda: self._fence.is_open
        )
        threads = [
            SendWorker(number, self.writer.queue, connect, compose, recheck).thread
            for number, recheck in enumerate(rechecks)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _stop(self, threads: Sequence[Thread]) -> bool:
        """Let workers finish their messages. Returns whether all did; the others are fenced."""
        self.writer.queue.close()
        deadline = monotonic() + SHUTDOWN_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
        all_stopped = not any(thread.is_alive() for thread in threads)
        if not all_stopped:
            self._fence.close()
        return all_stopped

    def _write_last(self, *, ran_to_end: bool, all_stopped: bool) -> None:
        """Write the last results, as often as the database needs, and return all rows, and the lease if no worker is sending."""
        self.writer.drain()
        # What came before must not leave no time for what nobody else knows.
        self._failing_since = None
        write = partial(self.writer.write_last, ran_to_end=ran_to_end, all_stopped=all_stopped)
        self._apply(self._write_patiently(write))
        if all_stopped:
            self._write_patiently(partial(leases.release_lease, lease_id=self.lease.id))
        self.lease.is_released = all_stopped

    def _write_patiently(self, write: Callable[[Connection], _Written]) -> _Written:
        while True:
            try:
                with self.database.writing() as connection:
                    return write(connection)
            except DatabaseError as error:
                self._wait_for_database(error)
                sleep(_WRITE_INTERVAL)

    def _write_if_needed(self) -> None:
        has_news = self.writer.drain()
        is_due = monotonic() - self._written_at > _WRITE_INTERVAL
        if not (has_news or is_due or self.writer.needs_rows):
            return
        started = uptime()
        try:
            with self.database.writing() as connection:
                batch = self.writer.write(connection)
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
                self.writer.after_commit(batch)
            except StorageError as error:
                self._wait_for_database(error)
                sleep(_WRITE_INTERVAL)
            else:
                self._failing_since = None
                return

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
        if monotonic() - self._checked_at < NEW_WORK_INTERVAL:
            return False
        self._checked_at = monotonic()
        try:
            return self.has_new_work()
        except DatabaseError as error:
            # `_wait_for_database` decides when that has lasted for too long.
            log.warning("can't check for new work", reason=str(error))
            return False

    def _is_done(self) -> bool:
        """Return whether all that can be sent now is sent. Raises what makes going on useless."""
        self.writer.queue.raise_fault()
        self.writer.raise_if_rejected()
        self._raise_if_all_failed()
        is_done = self.writer.is_done and self.writer.queue.is_idle
        if is_done:
            self.writer.raise_if_rejected(at_end=True)
        return is_done

    def _raise_if_all_failed(self) -> None:
        hopeless = [
            error
            for failures, error in self.writer.queue.connection_errors()
            if failures >= _HOPELESS_FAILURES or error.is_final
        ]
        if hopeless and len(hopeless) == self.writer.queue.workers:
            raise max(hopeless, key=lambda error: error.is_final)
