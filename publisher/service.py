"""The service: runs jobs at intervals until it is stopped. `publisher.app.run` says which jobs.

The only module that imports APScheduler. Its jobs are created in memory at each start; all state
is in the database, so a missed run costs nothing but time. Each job runs in a thread of its own:
an hour of one delays no other.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from time import monotonic

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from publisher.clock import SystemClock, SystemTimer
from publisher.delivery.progress import Progress
from publisher.disk_errors import storage_errors
from publisher.errors import PublisherError

log = structlog.get_logger()

# Short enough that an article is noticed soon; an idle cycle costs a few milliseconds.
SECONDS_BETWEEN_CYCLES = 15

_SECONDS_BETWEEN_CLOCK_CHECKS = 1.0
# How often long work writes a line to the log.
_SECONDS_BETWEEN_LOG_LINES = 10.0
# Time servers adjust a clock by less at once; a larger jump means that somebody set it.
_CLOCK_JUMP_SECONDS = 2.0

# Long work calls the progress at safe places, where it may be stopped.
_Work = Callable[[Progress], object]


@dataclass(frozen=True, slots=True)
class ServiceJob:
    """Work that is repeated: every so many seconds, or None for the service's own interval."""

    work: _Work
    seconds: float | None = None


class _StopRequested(Exception):  # noqa: N818  # not an error: it ends long work at a safe place
    """The service was stopped while long work was running."""


class Service:
    """Runs the jobs until `stop` or a signal. Running work ends at its next safe place."""

    def __init__(
        self, jobs: Sequence[ServiceJob], root: Path, seconds: float | None = None
    ) -> None:
        """`root` is the folder that is named if a job can't write: the publication's."""
        self._jobs = jobs
        self._root = root
        self._seconds = seconds or SECONDS_BETWEEN_CYCLES
        self._stop = threading.Event()
        self._logged: dict[str, tuple[int, float]] = {}

    def stop(self) -> None:
        """Request the stop; return at once."""
        self._stop.set()

    def run(self) -> None:
        """Run until `stop`, SIGTERM or SIGINT; return when all work has ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: self.stop())
        scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        now = SystemClock().now()
        for job in self._jobs:
            scheduler.add_job(
                self._run_job,
                "interval",
                [job.work],
                seconds=job.seconds or self._seconds,
                next_run_time=now,
            )
        scheduler.start()
        log.info("service started", seconds_between_cycles=self._seconds)
        self._watch_the_clock(scheduler)
        scheduler.shutdown(wait=True)
        log.info("service stopped")

    def _watch_the_clock(self, scheduler: BackgroundScheduler) -> None:
        """Wait for the stop. If the machine's clock is set, restart the intervals of all jobs.

        The scheduler waits for a time of day: set back an hour, it would do nothing for an hour.
        """
        timer = SystemTimer()
        offset = timer.time() - monotonic()
        while not self._stop.wait(_SECONDS_BETWEEN_CLOCK_CHECKS):
            new_offset = timer.time() - monotonic()
            if abs(new_offset - offset) > _CLOCK_JUMP_SECONDS:
                log.warning("the clock was set", by_seconds=round(new_offset - offset))
                offset = new_offset
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=SystemClock().now())

    def _run_job(self, job: _Work) -> None:
        """Run a job. Log whatever goes wrong; the next run tries again."""
        try:
            with storage_errors(self._root):
                job(self._progress)
        except _StopRequested:
            log.info("stopped at a safe place")
        except PublisherError as error:
            log.error("run failed; the next one tries again", reason=str(error))
        except Exception:
            log.exception("run failed by a fault of the program; the next one tries again")

    def _progress(self, step: str, done: int, of: int, note: str = "") -> None:
        if self._should_log(step, done, of):
            log.info(step, done=done, of=of, **({"note": note} if note else {}))
        if self._stop.is_set():
            raise _StopRequested

    def _should_log(self, step: str, done: int, of: int) -> bool:
        """Return whether to log a step's progress: from time to time, and once at its end."""
        before, at = self._logged.get(step, (-1, 0.0))
        now = monotonic()
        is_due = done != before and (done == of or now - at > _SECONDS_BETWEEN_LOG_LINES)
        if is_due:
            self._logged[step] = done, now
        return is_due
