"""Our own web server: the static site on a socket, until the process is told to stop.

Knows addresses and signals, and nothing of what is served.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.serving.server import ServerLoop
from publisher.serving.static_site import StaticSite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from publisher.config import Settings

_GRACE_SECONDS = 5.0  # seconds


def _say_nothing(_host: str, _port: int) -> None:
    """Be told of nobody's readiness."""


def serve_site(
    settings: Settings,
    host: str = "127.0.0.1",
    port: int = 8000,
    ready: Callable[[str, int], None] = _say_nothing,
    grace: float = _GRACE_SECONDS,
) -> None:
    """Serve a publication's `public/` until SIGTERM or SIGINT; port 0 is any that is free.

    `ready` is told the address and port, once connections are taken. When the signal comes,
    no more of them are; requests under way have `grace` seconds to be answered, then they are
    cut off. To be called in the main thread, which alone hears signals. Raises UsageError if
    there is nothing to serve yet, or if the address can't be had.
    """
    if not settings.folders.public.is_dir():
        public = settings.folders.public
        raise UsageError(f"{public}: is not there yet; publisher run --once makes it")
    with _listening(host, port) as listener:
        address, number = listener.getsockname()[:2]
        with (
            closing(ServerLoop(StaticSite(settings), listener)) as loop,
            _signals_to(loop.stop),
        ):
            ready(address, number)
            loop.run(grace)


def _listening(host: str, port: int) -> socket.socket:
    """Take an address; a name that stands for several is the first of them."""
    try:
        flags = socket.AI_PASSIVE
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror:
        raise UsageError(f"--host: {host!r} is no address of this machine") from None
    except OSError as error:
        problem = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{host} port {port}: {problem}; choose another with --port") from None


@contextmanager
def _signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT call for the end.

    An exception from a signal could come amidst sending, of which then nobody would know how
    far it had come.
    """

    def tell(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = [(one, signal.signal(one, tell)) for one in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
