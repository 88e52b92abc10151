"""What every test may rely on, and the lane that it runs in.

Folders say in which lane a test is: all but `tests/slow` is fast, `tests/slow` may start processes and
browsers. `make night` runs both in full sizes. With `--database=postgresql`, tests run on PostgreSQL.
"""

import gc
import os
import re
import sqlite3
import sqlite3.dbapi2
import subprocess
import zlib
from collections.abc import Callable, Generator, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, event

from tests import databases
from tools.lanes import OPENED
from tools.servers import PostgresServer
from tools.servers.postgres_server import find_server_programs

SLOW = Path(__file__).parent / "slow"
# A list of values in a statement.
_LISTS = re.compile(r"(\?|\([?, ]+\))(, (\?|\([?, ]+\)))+")
# A reason to skip that is about the database.
NAMES_DATABASE = re.compile("sqlite|postgres|database|server|dump", re.IGNORECASE)

# No deadline, and no complaint of slow examples: their time depends on what else the machine does. A profile is chosen
# by `--hypothesis-profile`; tests that set `max_examples` themselves keep their number. A change
# is tested with the same examples every time; each night draws new ones.
_common: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("change", max_examples=15, derandomize=True, **_common)
settings.register_profile("night", max_examples=100, **_common)
settings.register_profile("torture", max_examples=5_000, **_common)
settings.load_profile("change")


# What starts a process, and the module or class that has it.
STARTS: list[tuple[Any, str]] = [
    (subprocess.Popen, "__init__"),
    *((os, name) for name in ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")),
    *((os, name) for name in ("execv", "execve")),
]
_starts: list[str] | None = None
# Files that a test opened with SQLite.
_opened: list[str] = []
# Statements that a test executed.
_statements: set[str] = set()
# Fixtures of a module that opened a file: each test that uses one of them has opened it.
_opening_fixtures: set[str] = set()


def _note_start(name: str, arguments: tuple[object, ...]) -> None:
    if _starts is not None:
        # What is being made has no name yet.
        shown = arguments[1:] if name == "__init__" else arguments
        _starts.append(f"{name}{shown}")


def _note_opening(_name: str, arguments: tuple[object, ...]) -> None:
    _opened.append(str(arguments[0]))


def _note_calls(owner: Any, name: str, note: Callable[[str, tuple[object, ...]], None]) -> None:
    """Have a function note its calls. An audit hook sees each `id()`, too: that took 3 % of a lane."""
    function = getattr(owner, name)

    @wraps(function)
    def noting(*arguments: Any, **options: Any) -> Any:
        note(name, arguments)
        return function(*arguments, **options)

    setattr(owner, name, noting)


for _owner, _name in STARTS:
    _note_calls(_owner, _name, _note_start)
for _owner in (sqlite3, sqlite3.dbapi2):
    _note_calls(_owner, "connect", _note_opening)


@event.listens_for(Engine, "before_cursor_execute")
def _note_statement(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    _statements.add(statement)


@cache
def _number_of(statement: str) -> str:
    """Return a statement's checksum; lists of values count as one value, however long they are."""
    return f"{zlib.crc32(_LISTS.sub('?', statement).encode()):08x}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


_server = pytest.StashKey[PostgresServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Start a PostgreSQL server for the whole run, before there are tests and workers."""
    if config.getoption("database") == "sqlite":
        return
    if hasattr(config, "workerinput"):
        databases.use_server(Path(config.workerinput["postgres"]))
        return
    if find_server_programs() is None:
        problem = "PostgreSQL is not installed (Debian's package postgresql)"
        pytest.exit(f"{problem}: no test was run on it", returncode=1)
    config.stash[_server] = server = PostgresServer()
    server.start()
    databases.use_server(server.folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the server is."""
    if _server in node.config.stash:
        node.workerinput["postgres"] = str(node.config.stash[_server].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    databases.leave_server()
    if _server in config.stash:
        config.stash[_server].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note the processes that a fast test starts, with the fixtures that are made for it."""
    global _starts  # noqa: PLW0603  # what notes it stays for the whole run
    _starts = None if SLOW in item.path.parents else []
    try:
        return (yield)
    finally:
        _starts = None


@pytest.fixture(autouse=True)
def _fast_tests_start_no_process() -> Iterator[None]:
    """Fail a fast test that has started a process: it belongs into tests/slow."""
    yield
    assert not _starts, f"started by a fast test: {_starts}; move it to tests/slow"


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Have the tests of a module that share a database count as those that opened it.

    What the whole run shares, as the empty database that others are copied from, counts for none.
    """
    before = len(_opened)
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function" and len(_opened) > before:
            del _opened[before:]
            if fixturedef.scope != "session":
                _opening_fixtures.add(fixturedef.argname)


@pytest.fixture(autouse=True)
def _on_the_database_of_this_run(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that opens SQLite when PostgreSQL is tested; delete its databases there.

    Note for `tools.lanes` whether it opened a database and which statements it executed there, if it is no
    property: these run in one lane.
    """
    base = str(request.getfixturevalue("tmp_path_factory").getbasetemp())
    _opened.clear()
    _statements.clear()
    yield
    own = any(base in path for path in _opened)
    shared = not _opening_fixtures.isdisjoint(request.fixturenames)
    if (own or shared) and not request.node.get_closest_marker("hypothesis"):
        request.node.user_properties.append(
            (OPENED, " ".join(sorted({*map(_number_of, _statements)})))
        )
    if databases.on_postgresql():
        # The folder itself is gone by now.
        if "tmp_path" in request.node.funcargs:
            databases.drop_databases(request.node.funcargs["tmp_path"])
        # Not the copies that previews and dry runs make elsewhere.
        wrong = [path for path in _opened if base in path]
        assert not wrong, f"opened with SQLite: {wrong}; see tests/databases.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is below `tests/slow`, and skip what is about SQLite if the run is on PostgreSQL."""
    for item in items:
        if SLOW in item.path.parents:
            item.add_marker("slow")
        about_sqlite = item.get_closest_marker("sqlite")
        if about_sqlite and databases.on_postgresql():
            item.add_marker(pytest.mark.skip(reason=f"about SQLite: {about_sqlite.args[0]}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped for PostgreSQL, but not listed by the mark `sqlite`."""
    report = yield
    if databases.on_postgresql() and report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if NAMES_DATABASE.search(reason) and not item.get_closest_marker("sqlite"):
            report.outcome = "failed"
            report.longrepr = f"needs @pytest.mark.sqlite(...) to be skipped: {reason}"
    return report


def pytest_collection_finish() -> None:
    """Leave what stays until the end, as modules and the tests themselves, to no collector."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        databases.wait_for_no_disk(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_written_into_the_home_of_who_tests() -> Iterator[None]:
    """Have the program, and the processes that tests start, find no state directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("STATE_DIRECTORY", raising=False)
        patch.setenv("XDG_STATE_HOME", "/dev/null")
        yield


@pytest.fixture(autouse=True)
def _logging_as_it_comes() -> Iterator[None]:
    """Undo what a command did to the log: its level would hide lines from the next test."""
    yield
    structlog.reset_defaults()
