"""The clock of the service: starts cycles, and stops cleanly. The only importer of APScheduler.

Nothing that matters lives in the scheduler: its jobs are made anew at each start, in memory,
and every fact is a row of ours. Missing a turn costs a turn. Delivery and the telling of hubs
have jobs of their own, so that an hour's sending or a slow hub holds up neither picking up nor
feeds. Knows no article and no mail.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from publisher.cycle import CycleReport, Pipeline
from publisher.delivery.progress import Progress
from publisher.errors import PublisherError
from publisher.heartbeat import write_heartbeat

log = structlog.get_logger()

# Often enough that nobody waits for an article to be noticed, seldom enough to cost nothing.
SECONDS_BETWEEN_CYCLES = 15

_SECONDS_BETWEEN_CLOCK_CHECKS = 1.0
# Long work is told of so often.
_SECONDS_BETWEEN_LOG_LINES = 10.0
# Time servers move a clock by less at a time; more is somebody's hand.
_CLOCK_JUMP_SECONDS = 2.0

_T = TypeVar("_T")


class _StopRequested(Exception):  # noqa: N818  # not an error: the way out of long work when asked to stop
    """The service was asked to stop while something long was under way."""


class Service:
    """Runs cycles until it is asked to stop; work under way ends at its next safe place."""

    def __init__(
        self,
        press: Pipeline,
        heartbeat: Path,
        told: Callable[[CycleReport], None],
        seconds: float = SECONDS_BETWEEN_CYCLES,
    ) -> None:
        self._press = press
        self._heartbeat = heartbeat
        self._told = told
        self._seconds = seconds
        self._stop = threading.Event()
        self._lines: dict[str, tuple[int, float]] = {}

    def stop(self) -> None:
        """Ask the service to end."""
        self._stop.set()

    def run(self) -> None:
        """Run until `stop`, SIGTERM or SIGINT; returns when all work has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in (self._cycle, self._deliver, self._ping):
            scheduler.add_job(
                job, "interval", seconds=self._seconds, next_run_time=datetime.now(UTC)
            )
        scheduler.start()
        log.info("service started", seconds_between_cycles=self._seconds)
        self._watch_the_clock(scheduler)
        scheduler.shutdown(wait=True)
        log.info("service stopped")

    def _watch_the_clock(self, scheduler: BackgroundScheduler) -> None:
        """Wait for the end; when the machine's clock is set, start the jobs' intervals anew.

        The scheduler waits for instants: set back an hour, it would do nothing for an hour.
        """
        apart = time.time() - time.monotonic()
        while not self._stop.wait(_SECONDS_BETWEEN_CLOCK_CHECKS):
            now_apart = time.time() - time.monotonic()
            if abs(now_apart - apart) > _CLOCK_JUMP_SECONDS:
                log.warning("the clock was set", by_seconds=round(now_apart - apart))
                apart = now_apart
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    def _cycle(self) -> None:
        report = self._safely(self._press.edit)
        if report is not None:
            write_heartbeat(self._heartbeat, self._press.clock.now())
            self._told(report)

    def _deliver(self) -> None:
        self._safely(self._press.deliver)

    def _ping(self) -> None:
        self._safely(lambda _progress: self._press.ping())

    def _safely(self, work: Callable[[Progress], _T]) -> _T | None:
        """Do work; whatever goes wrong is told, and the next turn tries again."""
        try:
            return work(self._progress)
        except _StopRequested:
            log.info("stopped at a safe place")
        except PublisherError as error:
            log.error("turn failed", reason=str(error))
        except Exception:
            log.exception("turn failed by a fault of the program")
        return None

    def _progress(self, step: str, done: int, of: int, note: str = "") -> None:
        if self._is_worth_a_line(step, done, of):
            log.info(step, done=done, of=of, **({"note": note} if note else {}))
        if self._stop.is_set():
            raise _StopRequested

    def _is_worth_a_line(self, step: str, done: int, of: int) -> bool:
        """Say whether a log should hold how far a step is: at times, and once when it is over."""
        before, at = self._lines.get(step, (-1, 0.0))
        now = time.monotonic()
        worth = done != before and (done == of or now - at > _SECONDS_BETWEEN_LOG_LINES)
        if worth:
            self._lines[step] = done, now
        return worth
