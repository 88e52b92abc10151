"""Writes that wait: one thread that writes for many (group commit), and writes that are tried again.

The writer thread takes up to 100 jobs of a bounded queue into one transaction, each in a savepoint, commits, and then
answers. If each thread waited for a file's lock, which is not given in order, some would starve for seconds.

A job that was refused with WriterUnavailableError is not run later, unless the commit itself fails, or takes too
long: then nobody knows whether it was stored. What only this process knows is stored even if the database can't be
written for a while.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from threading import Condition, Thread, current_thread
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from publisher.database.engine import Database
from publisher.errors import DatabaseError, WriterUnavailableError
from publisher.log import log

_T = TypeVar("_T")

# Jobs in one transaction, and seconds of work after which it takes no more: others wait as well.
_GROUP_SIZE = 100
_GROUP_SECONDS = 0.05
_CAPACITY = 1000  # Jobs that may wait. More would wait longer than their clients do.
# Seconds that a job may wait until it is begun; a little more than the database's busy time.
_WAIT_SECONDS = 6.0
# Seconds from a job's begin to the commit of its group. Only a failing disk takes longer.
_COMMIT_SECONDS = 30.0


class Writer:
    """Runs jobs of many threads, one after another, in transactions that they share."""

    def __init__(
        self,
        database: Database,
        *,
        capacity: int = _CAPACITY,
        wait_seconds: float = _WAIT_SECONDS,
    ) -> None:
        """`database` belongs to the caller, who closes it after the writer."""
        self._database = database
        self._capacity = capacity
        self._wait_seconds = wait_seconds
        self._queue: deque[_Job] = deque()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._serve, name="writer", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[Connection], _T]) -> _T:
        """Run a job and return its result after the commit. Its exception undoes it alone. Raise WriterUnavailableError if busy."""
        if current_thread() is self._thread:
            raise RuntimeError("a job of the writer waits for another one, which can't begin")
        waiting = _Job(job)
        with self._changed:
            if self._closed or len(self._queue) >= self._capacity:
                raise WriterUnavailableError("too many changes wait to be stored")
            self._queue.append(waiting)
            self._changed.notify()
        result: _T = self._result(waiting)
        return result

    def _result(self, job: _Job) -> Any:
        # Either this cancels the job, or the writer has begun it: never both.
        if not _is_done(job.future, self._wait_seconds) and job.future.cancel():
            raise WriterUnavailableError("the database is busy")
        if not _is_done(job.future, _COMMIT_SECONDS):
            raise WriterUnavailableError("the database does not answer")
        return job.future.result()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _serve(self) -> None:
        while self._has_jobs():
            self._run_group()

    def _has_jobs(self) -> bool:
        """Wait for a job; return False once the writer is closed and has none left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            return bool(self._queue)

    def _run_group(self) -> None:
        group: list[_Job] = []
        try:
            with self._database.writing() as connection:
                for job in self._next_jobs():
                    group.append(job)
                    job.run(connection, self._database)
        except Exception as error:  # noqa: BLE001  # whatever it is, somebody waits for it
            # Without a group, the transaction could not begin: all that wait have waited for it.
            for job in group or list(self._begun_jobs()):
                job.refuse(error)
        else:
            for job in group:
                job.answer()

    def _next_jobs(self) -> Iterator[_Job]:
        end = time.monotonic() + _GROUP_SECONDS
        for number, job in enumerate(self._begun_jobs(), 1):
            yield job
            if number == _GROUP_SIZE or time.monotonic() >= end:
                return

    def _begun_jobs(self) -> Iterator[_Job]:
        while True:
            with self._changed:
                if not self._queue:
                    return
                job = self._queue.popleft()
            if job.future.set_running_or_notify_cancel():
                yield job


def _is_done(future: Future[Any], seconds: float) -> bool:
    # Not `concurrent.futures.wait`, which is made for many.
    with suppress(TimeoutError):
        future.exception(seconds)
    return future.done()


class _Job:
    """A function, its outcome within the transaction, and the future that its caller waits for."""

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        self._function = function
        self._value: Any = None
        self._error: BaseException | None = None
        self.future: Future[Any] = Future()

    def run(self, connection: Connection, database: Database) -> None:
        """Call the function in a savepoint, and keep its result or exception."""
        # Not `begin_nested`: it compiles its statements each time, a sixth of a short job's time.
        connection.exec_driver_sql("SAVEPOINT job")
        try:
            with database.explained():
                self._value = self._function(connection)
        except BaseException as error:  # noqa: BLE001  # raised to the caller
            self._error = error
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT job")
        connection.exec_driver_sql("RELEASE SAVEPOINT job")

    def answer(self) -> None:
        if self._error is None:
            self.future.set_result(self._value)
        else:
            self.future.set_exception(self._error)

    def refuse(self, error: Exception) -> None:
        if not isinstance(error, DatabaseError):
            self.future.set_exception(error)
            return
        refusal = WriterUnavailableError(str(error))
        refusal.__cause__ = error
        self.future.set_exception(refusal)


Result = TypeVar("Result")
# Seconds for which it is tried, beside the wait for a lock, and between two tries.
PATIENCE: Final = 60.0
SECONDS_BETWEEN_TRIES: Final = 0.5


def store_patiently(database: Database, store: Callable[[Connection], Result]) -> Result:
    """Return what `store` returns once stored; it is repeated for a minute, also after a commit whose answer was lost."""
    since = monotonic()
    while True:
        try:
            with database.writing() as connection:
                return store(connection)
        except DatabaseError as error:
            if monotonic() - since > PATIENCE:
                raise
            log.error("results can't be stored yet; it is tried again", reason=str(error))
            sleep(SECONDS_BETWEEN_TRIES)
