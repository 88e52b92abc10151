"""Jobs in the tables of a server, by Procrastinate. The only module that imports it.

Each process has a worker, which asks every second for a job that it may run. LISTEN needs a session of its own, which
no pooler in transaction mode gives. A worker that ends, as when the server was away, is started again.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector, exceptions
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection

from publisher.clock import SystemTimer
from publisher.database.dialect import job_tables, server_session
from publisher.database.dialect.backend import parse_address
from publisher.log import log

POLL_SECONDS = 1.0  # seconds between two looks for a job
# Seconds between signs of life of a worker; after so many without one its jobs are another's.
HEARTBEAT_SECONDS = 10.0
STALLED_SECONDS = 30.0
REAP_SECONDS = 10.0  # seconds between two looks for jobs of dead workers
# Seconds before a worker that ended is started again, and that it waits for a connection.
RESTART_SECONDS = 5.0
# Hours after which a job that failed is forgotten, and seconds for one that nobody will ever ask for.
_FAILED_HOURS = 24
_ORPHAN_SECONDS = 3600.0
_CONNECTIONS = 2  # one transaction at a time, and the heartbeat beside it
_DELETE = "successful"  # what is done has no row; what failed has one, with its history
_STOP_SECONDS = 0.2  # how often this process looks whether it has to stop
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


async def _set_up(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let statements see what is committed, whatever the server is set to; not in a pooler's sessions."""
    query = await connection.execute("SELECT pg_backend_pid()")
    if await query.fetchone() == (connection.info.backend_pid,):
        await connection.execute("SET default_transaction_isolation = 'read committed'")
    await connection.commit()


async def _check(connection: psycopg.AsyncConnection[Any]) -> None:
    """Look whether the server is there, and begin the transaction of what is asked next.

    In a session of a pooler, somebody's `pg_dump` may have left an empty search_path.
    """
    await connection.execute(f"SELECT {server_session.RESET_SEARCH_PATH}")


class JobFailedError(Exception):
    """A job failed, which is logged already."""


@dataclass(frozen=True, slots=True)
class QueueWork:
    """What a process does with jobs. While `watch`, called by jobs for this process alone, is called, the queue works."""

    intervals: Mapping[str, float]
    may_run: Callable[[str], bool]
    run: Callable[[str], bool]
    watch: Callable[[], None]


class JobQueue:
    """The jobs of all processes, and the worker of this one. `process` names it."""

    def __init__(self, address: str, process: str) -> None:
        self._url = parse_address(address)
        self._own_queue = f"{job_tables.WATCH}/{process}"
        self._stopping = threading.Event()
        # In a transaction of the caller's: no connection of its own is ever opened.
        self._enqueuing = App(connector=SyncPsycopgConnector())
        # The program logs itself that jobs fail, and connections.
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def create_tables(self, connection: Connection) -> None:
        folder = Path(SchemaManager.get_migrations_path())
        job_tables.make_job_tables(
            connection, SchemaManager.get_schema(), [*folder.glob("*.sql")]
        )

    def enqueue(self, connection: Connection, name: str) -> None:
        """Have a job of this name wait at the commit of this transaction: the one that waits already, or a new one."""
        # Between the two, another transaction may add one, or a worker take it: then there is another to look at.
        while not (
            job_tables.hold_waiting_job(connection, name) or self._add(connection, name)
        ):
            pass

    def _add(self, connection: Connection, name: str) -> bool:
        driver: Any = connection.connection.driver_connection
        job = self._enqueuing.configure_task(
            name, queue=name, queueing_lock=name, connection=driver
        )
        try:
            with connection.begin_nested():
                job.defer()
        except exceptions.AlreadyEnqueued:
            return False
        return True

    def serve(self, work: QueueWork) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._serve(work))
                if not self._stopping.is_set():
                    log.warning("the task engine has lost the server; it starts again")
            except (exceptions.ProcrastinateException, psycopg.Error, OSError) as error:
                cause = error.__cause__ or error
                log.warning("the task engine failed; it starts again", reason=_line(cause))
            except Exception:
                log.exception(
                    "the task engine failed by a fault of the program; it starts again"
                )
            self._stopping.wait(RESTART_SECONDS)

    def stop(self) -> None:
        self._stopping.set()

    async def _serve(self, work: QueueWork) -> None:
        threads = ThreadPoolExecutor(len(work.intervals) + 1, thread_name_prefix="turn")
        loop = asyncio.get_running_loop()
        loop.set_default_executor(threads)
        loop.set_exception_handler(_log_unrecorded)
        async with self._pool() as pool:
            await pool.wait(RESTART_SECONDS)
            app = App(connector=PsycopgConnector())
            async with app.open_async(pool):
                self._add_tasks(app, work)
                worker = self._worker(app, work)
                beside = [
                    asyncio.create_task(self._stop_worker(worker)),
                    asyncio.create_task(self._maintain(app)),
                ]
                try:
                    await worker.run()  # type: ignore[no-untyped-call]
                finally:
                    for task in beside:
                        task.cancel()

    def _pool(self) -> AsyncConnectionPool:
        parameters = server_session.connection_parameters(self._url)
        return AsyncConnectionPool(
            # Statements are not prepared: a pooler may give each transaction another session.
            kwargs=parameters | {"prepare_threshold": None},
            min_size=1,
            max_size=_CONNECTIONS,
            open=False,
            configure=_set_up,
            check=_check,
        )

    def _worker(self, app: App, work: QueueWork) -> Worker:
        return Worker(
            app,
            queues=_OpenQueues(work, self._own_queue),
            concurrency=len(work.intervals) + 1,
            listen_notify=False,
            fetch_job_polling_interval=POLL_SECONDS,
            delete_jobs=_DELETE,
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
        )

    def _add_tasks(self, app: App, work: QueueWork) -> None:
        for name, seconds in work.intervals.items():
            task = app.task(name=name, queue=name, queueing_lock=name)(_running(work, name))
            app.periodic(cron=cron_of(seconds))(task)

        @app.task(name=job_tables.WATCH)
        async def watch(at: float) -> None:  # noqa: ARG001  # says how old a job is
            work.watch()

    async def _stop_worker(self, worker: Worker) -> None:
        while not self._stopping.is_set():  # noqa: ASYNC110  # it is set by another thread
            await asyncio.sleep(_STOP_SECONDS)
        worker.stop()  # type: ignore[no-untyped-call]

    async def _maintain(self, app: App) -> None:
        """Look after jobs of dead workers, and add one for this process, as long as the worker runs."""
        forget_at = 0.0
        while True:
            try:
                await self._add_own_job(app)
                await _reap(app)
                if time.monotonic() >= forget_at:
                    await _forget(app)
                    forget_at = time.monotonic() + _ORPHAN_SECONDS
            except exceptions.ProcrastinateException as error:
                cause = error.__cause__ or error
                log.warning("the task engine can't look after its jobs", reason=_line(cause))
            await asyncio.sleep(REAP_SECONDS)

    async def _add_own_job(self, app: App) -> None:
        queue = self._own_queue
        job = app.configure_task(job_tables.WATCH, queue=queue, queueing_lock=queue)
        with suppress(exceptions.AlreadyEnqueued):
            await job.defer_async(at=SystemTimer().time())


class _OpenQueues(list[str]):
    """The queues of jobs that this process may run now, at each look: every name has its own."""

    def __init__(self, work: QueueWork, own: str) -> None:
        super().__init__([*work.intervals, own])
        self._may_run = work.may_run
        self._own = own

    def __iter__(self) -> Iterator[str]:
        names = [*super().__iter__()]
        return iter([name for name in names if name == self._own or self._may_run(name)])


def _running(work: QueueWork, name: str) -> Callable[[int | None], None]:
    def run(timestamp: int | None = None) -> None:  # noqa: ARG001  # of the schedule
        if not work.run(name):
            raise JobFailedError

    return run


async def _reap(app: App) -> None:
    found = await app.connector.execute_query_all_async(
        job_tables.PUT_BACK, seconds=STALLED_SECONDS
    )
    for row in found:
        log.warning("a worker is gone; what it was doing runs again", turn=row["task_name"])
    await app.job_manager.prune_stalled_workers(STALLED_SECONDS)


async def _forget(app: App) -> None:
    """Delete what nobody needs: old failures, and jobs of processes that are gone for good."""
    manager = app.job_manager
    await manager.delete_old_jobs(
        _FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
    )
    for job in await manager.list_jobs_async(task=job_tables.WATCH, status=Status.TODO.value):
        if (
            job.id
            and SystemTimer().time() - float(str(job.task_kwargs["at"])) > _ORPHAN_SECONDS
        ):
            await manager.cancel_job_by_id_async(job.id, delete_job=True)


def _log_unrecorded(_loop: object, context: Mapping[str, Any]) -> None:
    """Log that the end of a job was not recorded: by then it was another process's, or the server was away."""
    error = context.get("exception")
    reason = _line(error.__cause__ or error) if error else context["message"]
    log.warning("the task engine can't record that a job has ended", reason=reason)


def cron_of(seconds: float) -> str:
    """Return the crontab of an interval: in whole seconds, minutes or hours, and at most a day."""
    whole = max(1, round(seconds))
    if whole < _MINUTE:
        return f"* * * * * */{whole}"
    if whole < _HOUR:
        return f"*/{whole // _MINUTE} * * * *"
    return f"0 */{whole // _HOUR} * * *" if whole < _DAY else "0 0 * * *"


def _line(error: BaseException) -> str:
    """Return the first line of an error; the next ones may hold rows."""
    return str(error).partition("\n")[0] or type(error).__name__
