"""`publisher web` in a process of its own, its publication, and a client that keeps its connection."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import text

from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.database import open_database
from publisher.testing import SECRET, make_publication
from tools.bench.audience import RECIPIENTS, WISHES

_PATIENCE = 60.0


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has taken since its start."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    # Fields 14 and 15 of proc(5), behind the name in parentheses.
    ticks = stat.rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def make_audience(folder: Path, subscribers: int) -> Settings:
    """Make a publication with so many subscribers, all of its weekly newsletter."""
    make_publication(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / SETTINGS_FILE).open("a", encoding="utf-8") as file:
        file.write(f'[web]\naddress = "127.0.0.1:{port}"\n')
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    settings.folders.public.mkdir()
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        connection.execute(text(RECIPIENTS), {"many": subscribers})
        connection.execute(text(WISHES))
    return settings


class WebServer:
    """`publisher web` in a process, which may be killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self._command = [sys.executable, "-m", "publisher", "web", str(settings.folders.root)]
        # Compiled once, as packages are that pip has installed.
        self._environment = os.environ | {
            "PUBLISHER_SECRET": SECRET,
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(settings.folders.root.parent / "bytecode"),
        }
        self.start()

    def start(self) -> float:
        """Start it; return the seconds until it accepts connections."""
        begin = time.perf_counter()
        self.process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None  # a pipe was asked for
        if not self.process.stdout.readline():
            raise RuntimeError("publisher web did not start")
        return time.perf_counter() - begin

    def kill(self) -> None:
        """Kill it, as the kernel does when memory runs out."""
        self.process.kill()
        self._reap()

    def megabytes(self) -> float:
        """Return its proportional share of memory (PSS)."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
        if found is None:
            raise RuntimeError("smaps_rollup has no Pss")
        return int(found[1]) / 1024

    def processor_seconds(self) -> float:
        """Return the processor time that it has taken since its start."""
        return processor_seconds(self.process.pid)

    def stop(self) -> float:
        """End it by SIGTERM; return the seconds that this takes."""
        begin = time.perf_counter()
        self.process.terminate()
        self._reap()
        return time.perf_counter() - begin

    def _reap(self) -> None:
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def running(settings: Settings) -> Iterator[WebServer]:
    """Run the server while the block lasts."""
    server = WebServer(settings)
    try:
        yield server
    finally:
        server.kill()


class Connection:
    """A connection that is kept, as proxies do, and opened again when it was lost."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.web.host, settings.web.port
        self._socket: socket.socket | None = None

    def ask(self, head: str, body: str = "") -> int:
        """Send a request and read its answer; return the status. Raise OSError if there is none.

        `body` is a form, and makes it a POST's.
        """
        if self._socket is None:
            self._socket = socket.create_connection(self._address, _PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(
                f"{head}\r\nHost: localhost\r\n{_form_head(body)}\r\n{body}".encode()
            )
            return self._read(self._socket)
        except OSError:
            self.close()
            raise

    def _read(self, connection: socket.socket) -> int:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._part(connection)
        fields, _, body = answer.partition(b"\r\n\r\n")
        length = int(re.findall(rb"(?i)content-length: (\d+)", fields)[0])
        while len(body) < length:
            body += self._part(connection)
        return int(fields.split()[1])

    def _part(self, connection: socket.socket) -> bytes:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionResetError
        return part

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _form_head(body: str) -> str:
    if not body:
        return ""
    return f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
