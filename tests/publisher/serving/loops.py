"""A server loop in a thread of its own, whose brief requests are those below /brief."""

import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from wsgiref.types import StartResponse, WSGIEnvironment

from publisher.serving.server import ServerLoop
from tests.sizes import PATIENCE

THREADS = 2


@contextmanager
def serving(answer: Callable[[str], str]) -> Iterator[Callable[[], HTTPConnection]]:
    """Serve what `answer` returns for a path. Give what makes connections."""

    def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        body = answer(environ["PATH_INFO"]).encode()
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def is_brief(path: str) -> bool:
        return path.startswith("/brief")

    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as listener,
        closing(ServerLoop(application, listener, threads=THREADS, is_brief=is_brief)) as loop,
        ThreadPoolExecutor(1, thread_name_prefix="loop") as pool,
        ExitStack() as connections,
    ):
        host, port = listener.getsockname()

        def connect() -> HTTPConnection:
            connection = HTTPConnection(host, port, timeout=PATIENCE)
            connections.callback(connection.close)
            connection.connect()
            return connection

        running = pool.submit(loop.run, grace=0)
        try:
            yield connect
        finally:
            loop.stop()
            running.result(PATIENCE)


def asked(connection: HTTPConnection, path: str, method: str = "GET") -> HTTPResponse:
    """Ask, and read the whole answer."""
    connection.request(method, path)
    response = connection.getresponse()
    response.msg.set_payload(response.read().decode())
    return response


def body(response: HTTPResponse) -> str:
    return str(response.msg.get_payload())
