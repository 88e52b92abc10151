"""The engine of many machines: turns are jobs in the database's queue, and any process may take one.

If the queue does nothing for a while, this process starts its turns itself, as without it.
"""

from pathlib import Path
from threading import Thread

from sqlalchemy import Connection

from publisher.clock import uptime
from publisher.database import Database
from publisher.database.dialect.job_queue import JobQueue, QueueWork
from publisher.jobs import turns as job_turns
from publisher.jobs.heartbeat import READY, STOPPING, tell_systemd
from publisher.jobs.local_engine import Service, stop_on_signals
from publisher.log import log

# Seconds without a job of our own, which comes every ten, after which the queue counts as broken.
SILENT_SECONDS = 60.0
_SECONDS_BETWEEN_LOOKS = 1.0


class TaskEngine(job_turns.TurnEngine):
    """Shares turns with other machines.

    `watch` is called every few seconds, by the queue while it works. Raises DatabaseError if its tables can't be made.
    """

    def __init__(
        self,
        database: Database,
        queue: JobQueue,
        root: Path,
        watch: job_turns.Work,
        seconds: float | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._seconds = seconds or job_turns.SECONDS_BETWEEN_CYCLES
        self.runner = job_turns.TurnRunner(root)
        self._watch = watch
        self._alone = Service(root, seconds, self.runner, watch)
        self._seen_at = uptime()
        with database.writing() as connection:
            queue.create_tables(connection)

    def enqueue(self, connection: Connection, name: str) -> None:
        self._queue.enqueue(connection, name)

    def stop(self) -> None:
        super().stop()
        self._queue.stop()

    def states(self) -> list[job_turns.TurnState]:
        with self._database.reading() as connection:
            return job_turns.shared_turn_states(connection)

    def run(self) -> None:
        stop_on_signals(self.stop)
        turns = self.runner.turns.values()
        work = QueueWork(
            {turn.name: turn.seconds or self._seconds for turn in turns},
            self.runner.may_run,
            self.runner.run,
            self._note_watch,
        )
        thread = Thread(target=self._queue.serve, args=[work], name="task engine")
        thread.start()
        log.info("service started with a task engine", seconds_between_cycles=self._seconds)
        tell_systemd(READY)
        self._take_over_when_silent()
        thread.join()
        log.info("service stopped")

    def _note_watch(self) -> None:
        self._seen_at = uptime()
        self.runner.attempt(self._watch)

    def _take_over_when_silent(self) -> None:
        """Wait for the stop, and start turns here while the queue does nothing."""
        scheduler = self._alone.start(paused=True)
        is_alone = False
        while not self.runner.stopping.wait(_SECONDS_BETWEEN_LOOKS):
            self.runner.tell_watchdog()
            was_alone, is_alone = is_alone, uptime() - self._seen_at > SILENT_SECONDS
            if is_alone and not was_alone:
                log.warning(
                    "the task engine does nothing; this process starts its turns itself"
                )
                scheduler.resume()
            elif was_alone and not is_alone:
                log.info("the task engine works again")
                scheduler.pause()
        tell_systemd(STOPPING)
        scheduler.shutdown(wait=True)
