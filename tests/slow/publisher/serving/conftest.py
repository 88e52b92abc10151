"""nginx with the configuration that the program prints for it."""

from collections.abc import Callable

import pytest

from tests.publisher.serving.conftest import HERE, started
from tools.servers.web_servers import Server, missing

__all__ = ["started"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the tests of a server that is not installed; from one line, to be reported once."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    name = str(parameters.get("server", "")).partition("/")[0]
    if name and missing(name):
        pytest.skip(f"{name} is not installed")


@pytest.fixture(params=[f"nginx{prefix}" for prefix in HERE])
def server(request: pytest.FixtureRequest, started: Callable[[str], Server]) -> Server:
    """Return nginx, at the root of its host and below a path."""
    return started(request.param)
