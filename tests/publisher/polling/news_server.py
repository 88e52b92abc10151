"""A web server of this machine with documents that tests change, and the requests that it got."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from publisher.fetching.addresses import LOOPBACK
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchLimits


@dataclass
class Page:
    """An answer. With `validates` it has an ETag, and is not sent again to whoever knows it."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    validates: bool = True


class NewsServer:
    """Its documents by path, and the path and header fields of each request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Page] = {}
        # Answers what no page does.
        self.answer: Callable[[str], Page] = lambda _path: Page(b"no such page", 404)
        self.requests: list[tuple[str, Message]] = []
        # Every host name leads to it; nothing else of this machine may be reached.
        self.client = GuardedClient(
            FetchLimits(seconds=10), LOOPBACK[:1], lookup=lambda _host, _port: ["127.0.0.1"]
        )

    def url(self, path: str, host: str = "news.example") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(self, path: str, body: str | bytes, **options: object) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.pages[path] = Page(content, **options)  # type: ignore[arg-type]  # fields of a page

    @property
    def paths(self) -> list[str]:
        return [path for path, _headers in self.requests]


class _Handler(BaseHTTPRequestHandler):
    news: NewsServer

    def do_GET(self) -> None:
        self.news.requests.append((self.path, self.headers))
        page = self.news.pages.get(self.path) or self.news.answer(self.path)
        etag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        is_known = page.validates and self.headers.get("If-None-Match") == etag
        status = 304 if is_known and page.status == 200 else page.status
        self.send_response(status)
        if page.validates and page.status == 200:
            self.send_header("ETag", etag)
        for name, value in page.headers.items():
            self.send_header(name, value)
        body = b"" if status == 304 else page.body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@contextmanager
def news_server() -> Iterator[NewsServer]:
    """Run a server at a free port of 127.0.0.1 while the block lasts."""
    handler = type("_NewsHandler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.news = news = NewsServer(server.server_address[1])  # type: ignore[attr-defined]  # made above
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield news
        finally:
            server.shutdown()
            thread.join()
