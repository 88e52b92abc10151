"""What every test may rely on, and the lane that it runs in.

Tests are in three lanes, and folders say which: all but `tests/slow` is fast, `tests/slow` may
start processes and browsers. `make torture` runs both with sizes that take hours.
"""

import gc
from collections.abc import Iterator
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
