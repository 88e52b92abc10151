"""The fixtures of the fast tests, and the demo's whole week."""

from pathlib import Path

import pytest

from tests.publisher.conftest import (
    connection,
    corpus,
    empty_database,
    friday,
    new_publication,
    prepared_publication,
    publication,
    starting_point,
)
from tests.slow.browser.publications import demo_week

__all__ = [
    "connection",
    "corpus",
    "empty_database",
    "friday",
    "new_publication",
    "prepared_publication",
    "publication",
    "starting_point",
]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder after its week, to be looked at."""
    return demo_week(tmp_path_factory)
