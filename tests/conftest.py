"""What every test may rely on."""

import gc
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage where most of the work is done by other processes, or is not ours.

    Tracing takes as long again as what is traced, and what these tests reach in this process is
    reached by others too.
    """
    for item in items:
        if item.get_closest_marker("slow") or item.get_closest_marker("browser"):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """Leave what stays until the end, as modules and the tests themselves, to no collector."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_it_comes() -> Iterator[None]:
    """Undo what a command did to the log: its level would hide lines from the next test."""
    yield
    structlog.reset_defaults()
