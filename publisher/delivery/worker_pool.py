"""A turn of delivering: couriers at work, and the clerk writing for them until all is done.

Ends when nothing can be sent now: what was deferred, or waits for its rate for long, is a later
turn's. Knows neither how messages are composed nor how rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Thread
from time import monotonic, sleep

import structlog

from publisher.clock import uptime
from publisher.database import Database
from publisher.delivery.lease_holder import HeldLease
from publisher.delivery.ledger import leases
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.ledger.recheck import LedgerRecheck
from publisher.delivery.ledger_writer import LedgerWriter
from publisher.delivery.transports.base import OutgoingMessage, Transport, Unreachable
from publisher.delivery.work_queue import WorkQueue
from publisher.delivery.worker import SendWorker
from publisher.errors import DatabaseError

log = structlog.get_logger()

# So much of a lease may pass before sending stops by itself; the rest is for whoever takes over.
FENCE = 0.75
# A courier that found no connection so often in a row is not the only one.
HOPELESS = 3
# Seconds for which a database that can't be written to is asked again.
PATIENCE = 60.0
# Seconds between looks at what is due, at the lease, and at whether to stop.
BETWEEN_LOOKS = 0.5
# Seconds that couriers get to end what they have begun, when the program is to stop.
FAREWELL = 30.0
# Seconds between looks at whether there is something to do elsewhere.
BETWEEN_ROUNDS = 5.0


class LeaseFence:
    """Shut as soon as the lease may be lost: nothing can be handed over then."""

    def __init__(self) -> None:
        self._until = uptime() + FENCE * leases.LEASE_SECONDS

    def extend(self, since: float) -> None:
        """Count from when the renewal that is now committed was begun."""
        self._until = since + FENCE * leases.LEASE_SECONDS

    def shut(self) -> None:
        """Let nothing more be handed over, whatever the lease."""
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the lease is ours for certain."""
        return uptime() < self._until


class WorkerPool:
    """Couriers and a clerk, for one sender and the issues of its clerk."""

    def __init__(
        self,
        database: Database,
        transport: Transport,
        clerk: LedgerWriter,
        desk: WorkQueue,
        tell: Callable[[], None],
        is_needed_elsewhere: Callable[[], bool],
    ) -> None:
        self._database = database
        self._transport = transport
        self._clerk = clerk
        self._desk = desk
        self._tell = tell
        self._is_needed_elsewhere = is_needed_elsewhere
        self._fence = LeaseFence()
        self._failing_since: float | None = None
        self._written_at = 0.0
        self._round_at = monotonic()

    def run(
        self, couriers: int, write: Callable[[Claim], OutgoingMessage], place: HeldLease
    ) -> bool:
        """Send until nothing more can be sent now, or something is to be done elsewhere.

        Says whether it is that: then there is more to send.

        Raises Unreachable when the other side can't be reached or takes nothing, DatabaseError
        when the ledger can't be written for long, Fenced when another process has taken over;
        and whatever `tell` raises. What was begun is ended and written down in any case.
        """
        looks = [LedgerRecheck(self._database.path) for _ in range(couriers)]
        threads = self._sent_out(looks, write, place)
        has_ended = is_called = False
        try:
            while not (is_called or self._is_over()):
                self._turn()
                self._tell()
                self._desk.wait(min(BETWEEN_LOOKS, self._clerk.dealer.rest or BETWEEN_LOOKS))
                is_called = self._is_called()
            has_ended = not is_called
        finally:
            all_went = self._send_home(threads)
            for look in looks:
                look.close()
            self._put_down(place, has_ended=has_ended, for_good=all_went)
        self._desk.raise_fault()
        return is_called

    def _sent_out(
        self,
        looks: Sequence[LedgerRecheck],
        write: Callable[[Claim], OutgoingMessage],
        place: HeldLease,
    ) -> list[Thread]:
        """Send out a courier for each way to look."""
        connect = partial(self._transport.connect, place.number, lambda: self._fence.is_open)
        threads = [
            SendWorker(number, self._desk, connect, write, look).thread
            for number, look in enumerate(looks)
        ]
        for thread in threads:
            thread.start()
        return threads

    def _send_home(self, threads: Sequence[Thread]) -> bool:
        """Let couriers end what they have begun; says whether all did, and the others can't any more."""
        self._desk.close()
        deadline = monotonic() + FAREWELL
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
        all_went = not any(thread.is_alive() for thread in threads)
        if not all_went:
            self._fence.shut()
        return all_went

    def _put_down(self, place: HeldLease, *, has_ended: bool, for_good: bool) -> None:
        """Write what came last and give everything back, and the lease if nobody is at work.

        What was answered is known to nobody else, so a database that can't be written is asked
        again here, too.
        """
        self._clerk.gather()
        while True:
            try:
                with self._database.writing() as connection:
                    page = self._clerk.put_down(
                        connection, has_ended=has_ended, all_went=for_good
                    )
                    if for_good:
                        leases.release_lease(connection, place.number)
                break
            except DatabaseError as error:
                self._bear(error)
                sleep(BETWEEN_LOOKS)
        place.is_over = for_good
        self._clerk.gone(page)

    def _turn(self) -> None:
        """Write one page, if there is anything to write or to promise, or the lease gets old."""
        has_news = self._clerk.gather()
        is_due = monotonic() - self._written_at > BETWEEN_LOOKS
        if not (has_news or is_due or (self._clerk.dealer.can_deal and self._desk.demand())):
            return
        since = uptime()
        try:
            with self._database.writing() as connection:
                page = self._clerk.write(connection)
        except DatabaseError as error:
            self._bear(error)
            return
        self._failing_since = None
        self._written_at = monotonic()
        self._fence.extend(since)
        self._clerk.act(page)

    def _bear(self, error: DatabaseError) -> None:
        """Wait for a database that is full or locked; outcomes are kept, and nothing is promised."""
        now = monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.error(
                "the ledger can't be written; nothing is sent meanwhile", reason=str(error)
            )
        if now - self._failing_since > PATIENCE:
            raise error
        self._written_at = now

    def _is_called(self) -> bool:
        """Say, now and then, whether something is to be done elsewhere."""
        if monotonic() - self._round_at < BETWEEN_ROUNDS:
            return False
        self._round_at = monotonic()
        try:
            return self._is_needed_elsewhere()
        except DatabaseError as error:
            # It is the clerk who says when that has lasted for too long.
            log.warning("nobody could look around", reason=str(error))
            return False

    def _is_over(self) -> bool:
        """Say whether all that can be sent now has been; raises what makes going on useless."""
        self._desk.raise_fault()
        suspicion = self._clerk.suspicion
        if reason := suspicion.refuses_everything:
            raise Unreachable(f"the server refuses everything: {reason}", is_final=True)
        self._give_up_if_hopeless()
        is_over = self._clerk.is_done and self._desk.is_idle
        if is_over and (reason := suspicion.refuses_us):
            raise Unreachable(f"the server takes nothing from us: {reason}", is_final=True)
        return is_over

    def _give_up_if_hopeless(self) -> None:
        """Raise what holds everybody up: one who gets through can send for all."""
        hopeless = [
            trouble
            for failures, trouble in self._desk.troubles()
            if failures >= HOPELESS or trouble.is_final
        ]
        if hopeless and len(hopeless) == self._desk.size:
            raise max(hopeless, key=lambda trouble: trouble.is_final)
