"""Sites of the demo's neighbours, on this machine: the demo picks up what they publish.

Each folder of `data/live/` is a site by the name of its host; all names lead to one server of loopback, and only while
the block lasts. Addresses in its documents begin with `{site}`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import urlsplit

from publisher.app.operation.cycle import CycleReport, open_pipeline
from publisher.app.source_polls import poll_sources, polled_sources
from publisher.clock import FixedClock
from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.fetching.addresses import LOOPBACK
from publisher.fetching.client import GuardedClient
from publisher.files import write_file
from publisher.polling import store

_INDEX = "index.html"
_WITH_ADDRESSES = ("text/", "application/")
_QUIET = timedelta(minutes=20)  # longer than `settle`, which the sources leave at its default


def _handler(data: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers.get("Host", "")
            path = urlsplit(self.path).path.lstrip("/")
            content = _document(data, host.partition(":")[0], path)
            kind = guess_type(path or _INDEX)[0] or "application/json"
            if content is not None and kind.startswith(_WITH_ADDRESSES):
                content = content.replace(b"{site}", f"http://{host}".encode())
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    return Handler


def _document(data: Path, host: str, path: str) -> bytes | None:
    """Return a document of a site, or a picture of the demo; None if there is none, or it is none of these."""
    for root in (data / "live" / host, data / "articles"):
        place = root / path
        file = place / _INDEX if place.is_dir() else place
        if file.is_file() and file.resolve().is_relative_to(root.resolve()):
            return file.read_bytes()
    return None


@contextmanager
def _sites(data: Path) -> Iterator[tuple[int, GuardedClient]]:
    """Serve the sites while the block lasts; give the port, and a client that reaches them and nothing else."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(data)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            client = GuardedClient(
                networks=LOOPBACK[:1], lookup=lambda _host, _port: ["127.0.0.1"]
            )
            yield server.server_address[1], client
        finally:
            server.shutdown()


def add_live_sites(
    settings: Settings,
    data: Path,
    days: tuple[datetime, datetime],
    report: Callable[[datetime, CycleReport], None],
) -> None:
    """Add the sites to the demo's sources, read them on one day, and make the issues of another one.

    They are paused then: nothing of them is there any more.
    """
    file = settings.folders.root / SETTINGS_FILE
    read_at, issued_at = days
    with _sites(data) as (port, client):
        tables = (data / "live" / "sources.toml").read_text("utf-8")
        write_file(file, file.read_bytes() + tables.replace("{port}", str(port)).encode())
        settings = replace(load_settings(settings.folders.root), secret=settings.secret)
        clock = FixedClock(read_at - _QUIET)
        with open_pipeline(settings, clock) as pipeline:
            poll_sources(settings, pipeline.database, clock, client=client)
            with pipeline.database.writing() as connection:
                for one in polled_sources(settings):
                    store.pause(connection, one.name, clock.now(), is_paused=True)
    for now in (read_at, issued_at):
        with open_pipeline(settings, FixedClock(now)) as pipeline:
            report(now, pipeline.run())
