"""Our own server, started once, at the root of its host and below a path."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import pytest

from tests.publisher.serving.samples import HOST, make_site
from tools.servers.web_servers import Server, nginx_server, own_server

SERVERS = {"own": own_server, "nginx": nginx_server}
# At the root of the host, and below a path of it.
HERE = {"": HOST, "/blog": f"{HOST}/blog"}


@pytest.fixture(scope="session")
def started() -> Iterator[Callable[[str], Server]]:
    """Start a server when it is first asked for, and end all of them at the end."""
    with ExitStack() as stack:
        yield cache(partial(_start, stack))


@pytest.fixture(params=[f"own{prefix}" for prefix in HERE])
def server(request: pytest.FixtureRequest, started: Callable[[str], Server]) -> Server:
    """Give our own server, at the root of its host and below a path.

    Not of the session itself: pytest has one parameter of those at a time, and pytest-xdist
    hands tests out in no order, so that servers would end and start all the time.
    """
    return started(request.param)


def _start(stack: ExitStack, which: str) -> Server:
    name, slash, rest = which.partition("/")
    # A socket's path has to be short, and pytest's folders have long ones.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    settings = make_site(folder / "lantern", HERE[slash + rest])
    return stack.enter_context(SERVERS[name](settings, folder))
