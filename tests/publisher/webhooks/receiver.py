"""A receiver of webhooks in this process, over real sockets; tests set its answers."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tools.servers.certificates import CertificateFiles


@dataclass(frozen=True)
class Reply:
    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """Record requests; tests may set `reply`, or `answer` that is called with each request."""

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.port = port
        self.requests: list[Received] = []
        self.reply = Reply()
        self.answer: Callable[[Received], Reply] | None = None

    def take(self, request: Received) -> Reply:
        self.requests.append(request)
        return self.answer(request) if self.answer else self.reply


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = receiver.take(Received(self.path, dict(self.headers), body))
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Write nothing."""

    return Handler


@contextmanager
def receiving(certificate: CertificateFiles | None = None) -> Iterator[Receiver]:
    """Run a receiver at a free port of this machine, by TLS with a certificate."""
    receiver = Receiver("", 0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.port = server.server_port
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        receiver.url = f"https://localhost:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
