"""What every test may rely on, and the lane that it runs in.

Tests are in three lanes, and folders say which: all but `tests/slow` is fast, `tests/slow` may
start processes and browsers. `make torture` runs both with sizes that take hours.
"""

import gc
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

SLOW = Path(__file__).parent / "slow"

# No deadline: the time of an example depends on what else the machine does. A profile is chosen
# by `--hypothesis-profile`; tests that set `max_examples` themselves keep their number.
settings.register_profile("few", max_examples=10, deadline=None)
settings.register_profile("full", max_examples=100, deadline=None)
settings.register_profile("torture", max_examples=5_000, deadline=None)
settings.load_profile("few")


# Events of PEP 578 that start a process.
STARTS = {"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
_starts: list[str] | None = None


def _note_start(event: str, arguments: tuple[object, ...]) -> None:
    if _starts is not None and event in STARTS:
        _starts.append(f"{event}{arguments}")


sys.addaudithook(_note_start)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note the processes that a fast test starts, with the fixtures that are made for it."""
    global _starts  # noqa: PLW0603  # an audit hook can't be removed
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is below `tests/slow`, so that `-m "slow or hypothesis"` is the slow lane."""
    for item in items:
        if SLOW in item.path.parents:
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    """Leave what stays until the end, as modules and the tests themselves, to no collector."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_it_comes() -> Iterator[None]:
    """Undo what a command did to the log: its level would hide lines from the next test."""
    yield
    structlog.reset_defaults()
