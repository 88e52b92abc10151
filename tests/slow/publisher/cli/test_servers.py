"""`publisher serve`, `web` and `console` as processes: they answer until they are stopped."""

import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE
from publisher.database import open_database
from publisher.serving.server import allow_connections
from tests.databases import DATABASE_FILE, database_address
from tests.processes import start
from tests.publisher.cli.test_servers import LARGE, publish
from tests.sizes import PATIENCE

IDLE = 1000
# Far more than it takes: without room for others it would be a minute.


@contextmanager
def serving(command: str, folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command at a free port; give its process, and the line that it prints."""
    if command != "serve":
        open_database(database_address(folder / DATABASE_FILE)).close()
    with start(command, "--port", 0, folder) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline()
        finally:
            process.kill()


def stop(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Ask a process to end: it does so soon and well, and says nothing."""
    begin = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert time.monotonic() - begin < 30
    assert (process.returncode, out, err) == (0, "", "")


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        body: bytes = answer.read()
        return body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_stopped_and_finishes_open_requests(
    lantern: Path, number: signal.Signals
) -> None:
    publish(lantern)
    with serving("serve", lantern) as (process, line):
        url = line.split()[-1]
        assert line == f"{lantern / 'public'} is at {url}\n"
        assert read(url) == b"The Lantern"
        with urllib.request.urlopen(f"{url}tide.mp3") as slow:
            begun = len(slow.read(1000))
            process.send_signal(number)
            assert begun + len(slow.read()) == LARGE
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err) == (0, "", "")


def test_pages_and_the_site_are_served_until_stopped(lantern: Path) -> None:
    publish(lantern)
    with serving("web", lantern) as (process, line):
        url = line.split()[-1]
        assert line == f"{lantern} is at {url}\n"
        assert read(url) == b"The Lantern"
        with pytest.raises(urllib.error.HTTPError) as missing:
            read(f"{url}-/nothing?t=token")
        assert missing.value.headers["X-Robots-Tag"] == "noindex"
        missing.value.close()
        stop(process, signal.SIGTERM)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""


def test_the_console_answers_until_stopped(lantern: Path) -> None:
    with serving("console", lantern) as (process, line):
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert found, line
        assert line.startswith(f"the console of {lantern}: http://localhost:8090/ ")
        with pytest.raises(urllib.error.HTTPError) as redirect:
            urllib.request.build_opener(NoRedirect).open(found[0])
        assert redirect.value.code == 303
        assert redirect.value.headers["Location"] == "/sign-in/?next=/"
        redirect.value.close()
        stop(process, signal.SIGTERM)


def test_a_thousand_idle_connections_shut_nobody_out(lantern: Path) -> None:
    publish(lantern)
    allow_connections()
    with serving("serve", lantern) as (_process, line), ExitStack() as stack:
        url = line.split()[-1]
        port = int(url.split(":")[-1].strip("/"))
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        begin = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            bodies = list(pool.map(lambda _n: read(url), range(40)))
        waited = time.monotonic() - begin
    assert bodies == [b"The Lantern"] * 40
    assert waited < PATIENCE


def test_the_service_pages_and_console_are_one_process_until_stopped(lantern: Path) -> None:
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    with (lantern / SETTINGS_FILE).open("a") as file:
        file.write(f'\n[web]\naddress = "127.0.0.1:{ports[0]}"\n[console]\nport = {ports[1]}\n')
    with start("up", lantern) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _part in ports]
            assert lines[0] == f"{lantern} is at http://127.0.0.1:{ports[0]}/\n"
            assert lines[1].endswith(f"(listening on http://127.0.0.1:{ports[1]}/)\n")
            for port in ports:
                assert read(f"http://127.0.0.1:{port}/healthz") == b"ok\n"
            assert b"Subscribe" in read(f"http://127.0.0.1:{ports[0]}/en/subscribe/")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=120)
            assert (process.returncode, out) == (0, "")
            assert '"service stopped"' in err
        finally:
            process.kill()
