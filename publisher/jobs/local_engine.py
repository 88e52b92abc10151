"""The engine of one process: starts turns at intervals until it is stopped, each in a thread of its own.

The only module that imports APScheduler. All state is in the database, so a missed run costs nothing but time.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from pathlib import Path
from time import monotonic

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Connection, event
from sqlalchemy.engine import Transaction

from publisher.clock import SystemClock, SystemTimer
from publisher.jobs.heartbeat import READY, STOPPING, tell_systemd
from publisher.jobs.turns import SECONDS_BETWEEN_CYCLES, TurnEngine, TurnRunner, TurnState, Work
from publisher.log import log

_SECONDS_BETWEEN_CLOCK_CHECKS = 1.0
# Time servers adjust a clock by less at once; a larger jump means that somebody set it.
_CLOCK_JUMP_SECONDS = 2.0


def stop_on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())


@dataclass(frozen=True, slots=True)
class _TurnRequest:
    """A turn that a transaction asked for at its commit, by the machine's uptime."""

    transaction: Transaction | None
    at: float

    @property
    def is_committed(self) -> bool:
        """Whether the commit is over; at its beginning, nobody sees what was changed."""
        return self.transaction is None or not self.transaction.is_active


class Service(TurnEngine):
    """Starts each turn in this process."""

    def __init__(
        self,
        root: Path,
        seconds: float | None = None,
        runner: TurnRunner | None = None,
        watch: Work | None = None,
    ) -> None:
        """`root` is the folder that is named if a turn can't write: the publication's.

        `watch` is called at the service's own interval, whatever turns this process may run.
        """
        self.runner = runner or TurnRunner(root)
        self._seconds = seconds or SECONDS_BETWEEN_CYCLES
        self._watch = watch
        # What committed transactions ask for. One that has not ended yet may still wait for the disk.
        self._requested: dict[str, _TurnRequest] = {}

    def enqueue(self, connection: Connection, name: str) -> None:
        """Have a turn run soon after this transaction is committed, if it is one of this process."""
        request = partial(self._request, name, connection.get_transaction())
        event.listen(connection, "commit", request, once=True)

    def _request(self, name: str, transaction: Transaction | None, _committed: object) -> None:
        self._requested[name] = _TurnRequest(transaction, monotonic())

    def states(self) -> list[TurnState]:
        now = monotonic()
        asked = [
            TurnState(name, "waiting", now - one.at)
            for name, one in [*self._requested.items()]
            if one.is_committed
        ]
        return asked + self.runner.states()

    def run(self) -> None:
        stop_on_signals(self.stop)
        scheduler = self.start()
        log.info("service started", seconds_between_cycles=self._seconds)
        tell_systemd(READY)
        self._watch_the_clock(scheduler)
        tell_systemd(STOPPING)
        scheduler.shutdown(wait=True)
        log.info("service stopped")

    def start(self, *, paused: bool = False) -> BackgroundScheduler:
        """Start the turns, each in its own thread, all at once; `paused`: when it is resumed."""
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        add = partial(scheduler.add_job, trigger="interval", next_run_time=SystemClock().now())
        for turn in self.runner.turns.values():
            seconds = turn.seconds or self._seconds
            add(self.runner.run, args=[turn.name], id=turn.name, seconds=seconds)
        if self._watch:
            add(self.runner.attempt, args=[self._watch], seconds=self._seconds)
        # All turns begin now, and see what was asked for before: that is no reason for another run.
        for name, request in [*self._requested.items()]:
            if request.is_committed:
                del self._requested[name]
        scheduler.start(paused=paused)
        return scheduler

    def _watch_the_clock(self, scheduler: BackgroundScheduler) -> None:
        """Wait for the stop. If the machine's clock is set, restart the intervals of all jobs.

        The scheduler waits for a time of day: set back an hour, it would do nothing for an hour.
        """
        timer = SystemTimer()
        offset = timer.time() - monotonic()
        while not self.runner.stopping.wait(_SECONDS_BETWEEN_CLOCK_CHECKS):
            self._start_requested(scheduler)
            self.runner.tell_watchdog()
            new_offset = timer.time() - monotonic()
            if abs(new_offset - offset) > _CLOCK_JUMP_SECONDS:
                log.warning("the clock was set", by_seconds=round(new_offset - offset))
                offset = new_offset
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=SystemClock().now())

    def _start_requested(self, scheduler: BackgroundScheduler) -> None:
        for name, request in [*self._requested.items()]:
            if request.is_committed and self.runner.may_run(name):
                del self._requested[name]
                scheduler.modify_job(name, next_run_time=SystemClock().now())
