"""What every test may rely on."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _logging_as_it_comes() -> Iterator[None]:
    """Undo what a command did to the log: its level would hide lines from the next test."""
    yield
    structlog.reset_defaults()
