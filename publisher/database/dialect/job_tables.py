"""The tables of Procrastinate, beside those of the publication: made, brought up to date, read.

Nothing that matters is in them: a copy and a backup have none of their rows.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from publisher.errors import DatabaseError

JOB_TABLE_PREFIX = "procrastinate_"
WATCH = "watch"  # a job of one process, by which it sees that the queue works
# Written as the comment of this table: the last of Procrastinate's migrations that was run.
_JOBS = f"{JOB_TABLE_PREFIX}jobs"
_VERSION = text("SELECT to_regclass(:jobs), obj_description(to_regclass(:jobs), 'pg_class')")
_SUMMARY = text(
    f"SELECT job.task_name, job.status::text, extract(epoch FROM now() - max(event.at))::float8,"  # noqa: S608  # a constant
    f" count(DISTINCT job.id) FROM {_JOBS} AS job JOIN {JOB_TABLE_PREFIX}events AS event ON event.job_id = job.id"
    f" WHERE job.status IN ('todo', 'doing', 'failed') AND job.task_name <> '{WATCH}'"
    " GROUP BY job.task_name, job.status ORDER BY job.task_name, job.status"
)
_WAITING = text(
    f"SELECT id FROM {_JOBS} WHERE queueing_lock = :name AND status = 'todo' FOR SHARE"  # noqa: S608
)
# For Procrastinate's own connection: jobs of workers without a sign of life for so many `seconds` are replaced by new
# ones, unless one of that name waits. One statement, which skips what another process has locked: two that look at
# the same time do it once. A new job, since the worker may live, and ends what it had by its number. It is inserted
# before the other is deleted: a schedule locks rows in this order.
PUT_BACK = f"""
WITH stalled AS (
    SELECT id, queue_name, task_name, priority, lock, queueing_lock, args FROM {_JOBS}
    WHERE status = 'doing' AND (worker_id IS NULL OR worker_id IN (
        SELECT id FROM {JOB_TABLE_PREFIX}workers
        WHERE last_heartbeat < now() - %(seconds)s * interval '1 second'
    )) FOR UPDATE SKIP LOCKED
), inserted AS (
    INSERT INTO {_JOBS} (queue_name, task_name, priority, lock, queueing_lock, args)
    SELECT queue_name, task_name, priority, lock, queueing_lock, args FROM stalled
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING RETURNING id
)
DELETE FROM {_JOBS} AS job USING stalled
WHERE job.id = stalled.id AND (SELECT count(*) FROM inserted) IS NOT NULL
RETURNING stalled.task_name
"""  # noqa: S608  # constants


def own_tables(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith(JOB_TABLE_PREFIX)]


def make_job_tables(connection: Connection, schema: str, migrations: Sequence[Path]) -> None:
    """Create the tables by `schema`, or run the migrations that they lack; the caller's transaction must write alone."""
    found, version = connection.execute(_VERSION, {"jobs": _JOBS}).one()
    ordered = sorted(migrations, key=lambda path: path.name)
    newest = ordered[-1].name
    if found and version is None:
        raise DatabaseError(
            "another program has its jobs of Procrastinate in this database; take one of your own"
        )
    if found and version >= newest:
        return
    missing = [path.read_text("utf-8") for path in ordered if path.name > (version or "")]
    driver: Any = connection.connection.driver_connection
    for statements in missing if found else [schema]:
        # Many at once, which only a query without parameters may have.
        driver.execute(statements)
    driver.execute(f"COMMENT ON TABLE {_JOBS} IS '{newest}'")


def summarise_jobs(connection: Connection) -> list[tuple[str, str, float, int]]:
    """Return name, status, seconds since the last, and number of jobs that are not done; nothing without tables."""
    if connection.execute(_VERSION, {"jobs": _JOBS}).one()[0] is None:
        return []
    return [(name, status, age, n) for name, status, age, n in connection.execute(_SUMMARY)]


def hold_waiting_job(connection: Connection, name: str) -> bool:
    """Keep a waiting job of this name from workers, who skip locked rows, until this transaction ends; return whether there is one."""
    return connection.execute(_WAITING, {"name": name}).first() is not None
