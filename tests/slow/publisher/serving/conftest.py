"""nginx and Caddy with the configurations that the program prints for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.publisher.serving.conftest import HERE, started
from tests.publisher.serving.servers import Server, missing

__all__ = ["started"]


@pytest.fixture(params=[f"{name}{prefix}" for name in ("nginx", "caddy") for prefix in HERE])
def server(request: pytest.FixtureRequest, started: Callable[[str], Server]) -> Server:
    """Return a running web server; skip where this machine lacks it."""
    name = request.param.partition("/")[0]
    if missing(name):
        pytest.skip(f"{name} is not installed")
    return started(request.param)
