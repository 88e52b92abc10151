"""What the engine that machines share does when one of them, or the server, or the engine itself fails."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

import pytest
from procrastinate import App, PsycopgConnector
from sqlalchemy import Connection, text
from structlog.testing import capture_logs

from publisher.database import Database, open_database
from publisher.database.copy import copy_rows, read_all_tables
from publisher.database.dialect import dump_database, job_queue, job_tables, restore_dump
from publisher.database.dialect.job_queue import JobQueue
from publisher.database.engine import create_database
from publisher.delivery.dispatcher import Progress
from publisher.jobs import shared_engine
from publisher.jobs.shared_engine import TaskEngine
from publisher.jobs.turns import Turn, TurnEngine
from tests.processes import ROOT
from tests.slow.publisher.database.pooler import PROGRAM, forget_search_path, pgbouncer
from tests.slow.publisher.turns.conftest import (
    PATIENCE,
    RARELY,
    make_task_engine,
    no_work,
    running,
    until,
)
from tools.servers import PostgresDatabases, PostgresServer

GONE = "a worker is gone; what it was doing runs again"
ALONE = "the task engine does nothing; this process starts its turns itself"
JOBS = text("SELECT args ->> 'timestamp' FROM procrastinate_jobs WHERE task_name = 'often'")
WORKER = text(
    "INSERT INTO procrastinate_workers (last_heartbeat)"
    " VALUES (now() - :seconds * interval '1 second') RETURNING id"
)
TAKE = text("SELECT procrastinate_fetch_job_v2(ARRAY['asked'], :worker)")
TAKE_OVER = text("UPDATE procrastinate_jobs SET worker_id = :worker")
STATES = text("SELECT status::text, worker_id FROM procrastinate_jobs")
NUMBERS = text("SELECT id FROM procrastinate_jobs")
LOCKED = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
SCHEDULERS, TIMES = 2, 6
# A process that takes a turn, says so in a file, and never ends it.
HELD = """
import sys, time
from pathlib import Path
from publisher.database import open_database
from publisher.database.dialect.job_queue import JobQueue
from publisher.jobs.shared_engine import TaskEngine
from publisher.jobs.turns import Turn, TurnEngine

address, folder = sys.argv[1], Path(sys.argv[2])

def work(_progress):
    (folder / "begun").touch()
    time.sleep(3600)

engine = TaskEngine(open_database(address), JobQueue(address, "held"), folder, lambda _: None)
engine.schedule(Turn("held", work, 12 * 3600))
with engine._database.writing() as connection:
    engine.enqueue(connection, "held")
engine.run()
"""


@pytest.fixture
def address(databases: PostgresDatabases) -> str:
    return databases.create("news")


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    with closing(open_database(address)) as opened:
        yield opened


def an_engine(
    database: Database, address: str, root: Path
) -> tuple[TaskEngine, list[Progress]]:
    """Return an engine with a turn that is due each second, and the list of its runs."""
    runs: list[Progress] = []
    engine = make_task_engine(database, address, root)
    engine.schedule(Turn("often", runs.append, 1))
    return engine, runs


def test_the_turn_of_a_killed_process_runs_again_elsewhere(
    database: Database, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As shipped: within the minute and a half that the documentation states.
    patience = job_queue.STALLED_SECONDS + job_queue.REAP_SECONDS + job_queue.POLL_SECONDS
    assert patience + job_queue.RESTART_SECONDS <= 90
    for name in ("STALLED_SECONDS", "REAP_SECONDS", "HEARTBEAT_SECONDS"):
        monkeypatch.setattr(job_queue, name, 1.0 if name != "STALLED_SECONDS" else 4.0)
    process = subprocess.Popen([sys.executable, "-c", HELD, address, tmp_path], cwd=ROOT)
    try:
        until("the turn", (tmp_path / "begun").exists)
    finally:
        process.kill()
        process.wait()
    runs: list[Progress] = []
    engine = make_task_engine(database, address, tmp_path)
    engine.schedule(Turn("held", runs.append, RARELY))
    assert [(one.name, one.state) for one in engine.states()] == [("held", "running")]
    with capture_logs() as logs, running(engine):
        until("the other process to run it", lambda: runs)
        until("its row to go", lambda: engine.states() == [])
    assert GONE in [one["event"] for one in logs]


def start_worker(connection: Connection, seconds_ago: int = 0) -> int:
    """Return the number of a worker that gave its last sign of life so long ago."""
    return int(connection.execute(WORKER, {"seconds": seconds_ago}).scalar_one())


def take(connection: Connection, engine: TurnEngine, worker: int) -> None:
    engine.enqueue(connection, "asked")
    connection.execute(TAKE, {"worker": worker})


def jobs(database: Database) -> list[tuple[str, int | None]]:
    with database.reading() as connection:
        return [(status, worker) for status, worker in connection.execute(STATES)]


def reap(address: str) -> None:
    async def look() -> None:
        app = App(connector=PsycopgConnector())
        async with JobQueue(address, "reaper")._pool() as pool, app.open_async(pool):
            await job_queue._reap(app)

    asyncio.run(look())


def test_a_job_of_a_dead_worker_that_another_one_has_taken_meanwhile_is_left_to_it(
    database: Database, address: str, tmp_path: Path
) -> None:
    engine = make_task_engine(database, address, tmp_path)
    with database.writing() as connection:
        take(connection, engine, start_worker(connection, 3600))
    reaper = threading.Thread(target=reap, args=[address])
    with database.writing() as connection:
        database.allow_pause(connection)
        # As if another process had put it back already.
        living = start_worker(connection)
        connection.execute(TAKE_OVER, {"worker": living})
        reaper.start()

        def is_waiting() -> bool:
            with database.reading() as beside:
                return bool(beside.scalar(LOCKED))

        until("the look for dead workers", lambda: not reaper.is_alive() or is_waiting())
    reaper.join(PATIENCE)
    assert jobs(database) == [("doing", living)]


def test_jobs_of_dead_workers_wait_again_once_as_another_job(
    database: Database, address: str, tmp_path: Path
) -> None:
    engine = make_task_engine(database, address, tmp_path)
    with database.writing() as connection:
        for _ in range(2):
            take(connection, engine, start_worker(connection, 3600))
        before = connection.scalars(NUMBERS).all()
    reap(address)
    assert jobs(database) == [("todo", None)]
    # What lives after all ends its own.
    with database.reading() as connection:
        assert not {*before} & {*connection.scalars(NUMBERS)}


def tried_times(logs: pytest.LogCaptureFixture) -> dict[int | None, set[int]]:
    """Return the times for which each scheduler has tried to add a job, by its thread."""
    found: defaultdict[int | None, set[int]] = defaultdict(set)
    # The list grows meanwhile.
    for record in [*logs.records]:
        if time := getattr(record, "defer_timestamp", None):
            found[record.thread].add(time)
    return found


def in_common(tried: dict[int | None, set[int]]) -> range:
    """Return the times from the last scheduler's first one to the first one's last."""
    if len(tried) < SCHEDULERS:
        return range(0)
    return range(max(map(min, tried.values())), min(map(max, tried.values())) + 1)


def test_two_schedulers_enqueue_each_time_once_and_leave_none_out(
    database: Database,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(job_queue, "_DELETE", "never")
    # What a scheduler does for each time, and why it adds no job, however late it is.
    caplog.set_level(logging.DEBUG, "procrastinate.periodic")
    runs: list[Progress] = []
    with ExitStack() as stack:
        for name in ("one", "two"):
            engine = make_task_engine(database, address, tmp_path, name)
            engine.schedule(Turn("often", runs.append, 1))
            stack.enter_context(running(engine))
        until("some times", lambda: len(in_common(tried_times(caplog))) >= TIMES)
        until("some turns", lambda: len(runs) >= TIMES)
    with database.reading() as connection:
        times = [int(one) for one in connection.scalars(JOBS)]
    assert len(times) == len(set(times))
    tried = tried_times(caplog)
    # None is left out, also if both were late: each goes on where it was.
    assert set(in_common(tried)) <= set().union(*tried.values())
    # As documented: while a job waits, no second one is made.
    waited = {
        getattr(record, "defer_timestamp", 0)
        for record in caplog.records
        if getattr(record, "action", "") == "skip_periodic_task_queueing_lock"
    }
    assert set().union(*tried.values()) - waited <= set(times)


def test_a_server_that_is_restarted_costs_a_pause(
    server: PostgresServer, database: Database, address: str, tmp_path: Path
) -> None:
    engine, runs = an_engine(database, address, tmp_path)
    with running(engine):
        until("some turns", lambda: len(runs) > 1)
        server.crash()
        before = len(runs)
        until("turns after the restart", lambda: len(runs) > before + 2)


def test_a_process_that_was_taken_for_dead_goes_on(
    database: Database, address: str, tmp_path: Path
) -> None:
    engine, runs = an_engine(database, address, tmp_path)
    with capture_logs() as logs, running(engine):
        until("some turns", lambda: len(runs) > 1)
        # As others do with one that gave no sign of life for too long: a frozen machine.
        with database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM procrastinate_workers")
        until("its new start", lambda: any("starts again" in one["event"] for one in logs))
        before = len(runs)
        until("turns after it", lambda: len(runs) > before + 1)


def test_turns_run_without_the_engine_when_it_does_nothing(
    database: Database, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_engine, "SILENT_SECONDS", 3.0)
    monkeypatch.setattr(job_queue, "REAP_SECONDS", 0.5)
    engine, runs = an_engine(database, address, tmp_path)
    with capture_logs() as logs, running(engine):
        until("turns by the engine", lambda: len(runs) > 1)
        with database.writing() as connection:
            connection.exec_driver_sql("DROP TABLE procrastinate_jobs CASCADE")
        until("the engine's end", lambda: ALONE in [one["event"] for one in logs])
        before = len(runs)
        until("turns without it", lambda: len(runs) > before + 1)


def test_the_engine_works_through_a_pooler_in_transaction_mode(
    server: PostgresServer, databases: PostgresDatabases, tmp_path: Path
) -> None:
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed")
    databases.create("pooled")
    with pgbouncer(server.folder) as end:
        address = f"postgresql://publisher@/pooled{end}"
        with closing(open_database(address)) as database:
            engine, runs = an_engine(database, address, tmp_path)
            engine.schedule(Turn("asked", no_work, RARELY))
            with database.writing() as connection:
                engine.enqueue(connection, "asked")
            # Also after somebody's `pg_dump` has gone through it.
            forget_search_path(address)
            with capture_logs() as logs, running(engine):
                until("turns", lambda: len(runs) > 2 and engine.states() == [])
    assert [one["event"] for one in logs if one["log_level"] != "info"] == []


@pytest.mark.parametrize(
    "form", ["/news?host=127.0.0.1:1&host={0}:5432", "127.0.0.1:1,{0}:5432/news"]
)
def test_the_engine_looks_for_its_server_among_several_hosts(
    server: PostgresServer, database: Database, tmp_path: Path, form: str
) -> None:
    address = "postgresql://publisher@" + form.format(quote(str(server.folder), safe=""))
    engine, runs = an_engine(database, address, tmp_path)
    with capture_logs() as logs, running(engine):
        until("turns", lambda: len(runs) > 1)
    assert [one["event"] for one in logs if one["log_level"] != "info"] == []


def test_copies_and_backups_have_no_row_of_the_engine(
    databases: PostgresDatabases, database: Database, address: str, tmp_path: Path
) -> None:
    engine = make_task_engine(database, address, tmp_path)
    with database.writing() as connection:
        engine.enqueue(connection, "asked")
        assert not [name for name in read_all_tables(connection) if "procrastinate" in name]
    with (
        closing(create_database(databases.create("copied"))) as copy,
        database.reading() as old,
        copy.writing() as new,
    ):
        assert "procrastinate_jobs" not in copy_rows(old, new)
    dump_database(address, tmp_path / "dump")
    restored = databases.create("restored")
    restore_dump(restored, tmp_path / "dump")
    with closing(open_database(restored)) as other:
        again = make_task_engine(other, restored, tmp_path)
        assert (len(engine.states()), again.states()) == (1, [])
        with other.writing() as connection:
            again.enqueue(connection, "asked")
        assert len(again.states()) == 1


def test_tables_are_brought_up_to_date_and_those_of_others_are_left(
    database: Database, address: str, tmp_path: Path
) -> None:
    engine = make_task_engine(database, address, tmp_path)
    later = tmp_path / "99.00.00_01_pre_more.sql"
    later.write_text("CREATE TABLE procrastinate_more (id int);", "utf-8")
    for _ in range(2):
        with database.writing() as connection:
            job_tables.make_job_tables(connection, "", [later])
    with database.writing() as connection:
        connection.exec_driver_sql("SELECT id FROM procrastinate_more")
        connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")
    assert engine.states() == []
    with pytest.raises(Exception, match="another program"):
        make_task_engine(database, address, tmp_path)
