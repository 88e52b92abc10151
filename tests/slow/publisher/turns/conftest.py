"""Engines of turns that run in threads of a test."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from publisher.database import Database
from publisher.database.dialect import job_queue
from publisher.database.dialect.job_queue import JobQueue
from publisher.delivery.dispatcher import Progress
from publisher.jobs import local_engine, shared_engine
from publisher.jobs.shared_engine import TaskEngine
from publisher.jobs.turns import TurnEngine
from tests.publisher.conftest import publication  # noqa: F401  # a fixture
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

# Longer than any test, and as long as an engine can wait.
RARELY = 12 * 3600.0
PATIENCE = 180.0


def until(what: str, holds: Callable[[], object]) -> None:
    """Wait until something holds, with long patience: machines may be busy."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


@contextmanager
def running(engine: TurnEngine) -> Iterator[None]:
    """Run an engine in a thread while the block lasts."""
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        yield
    finally:
        engine.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def no_work(_progress: Progress) -> None:
    """Do nothing."""


def make_task_engine(
    database: Database, address: Path | str, root: Path, name: str = "one"
) -> TaskEngine:
    return TaskEngine(database, JobQueue(str(address), name), root, no_work)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines look often, and leave signals to pytest: they run in threads here."""
    monkeypatch.setattr(local_engine, "_SECONDS_BETWEEN_CLOCK_CHECKS", 0.05)
    monkeypatch.setattr(shared_engine, "_SECONDS_BETWEEN_LOOKS", 0.05)
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(job_queue, "RESTART_SECONDS", 1.0)
    for module in (local_engine, shared_engine):
        monkeypatch.setattr(module, "stop_on_signals", lambda _stop: None)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of a module's own, which its tests may stop."""
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer() as started:
        yield started


@pytest.fixture
def databases(server: PostgresServer) -> Iterator[PostgresDatabases]:
    """What makes databases, which are gone after the test."""
    with closing(PostgresDatabases(server.folder)) as made:
        others = made.names()
        yield made
    # By another connection: the server may have been stopped.
    with closing(PostgresDatabases(server.folder)) as made:
        for name in made.names() - others:
            made.drop(name)
