"""What every test may rely on."""

import gc
import sys
import threading
from collections.abc import Generator, Iterator

import pytest
import structlog
from hypothesis import settings

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


UNTRACED = ("slow", "browser", "untraced")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage where most of the work is done by other processes, or is not ours.

    Tracing takes as long again as what is traced, and what these tests reach in this process is
    reached by others too. (The marker of pytest-cov does nothing in xdist's workers: a second
    measurement takes over.)
    """
    if not any(item.get_closest_marker(name) for name in UNTRACED):
        return (yield)
    before, before_in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(before)
        threading.settrace(before_in_threads)


def pytest_collection_finish() -> None:
    """Leave what stays until the end, as modules and the tests themselves, to no collector."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_it_comes() -> Iterator[None]:
    """Undo what a command did to the log: its level would hide lines from the next test."""
    yield
    structlog.reset_defaults()
