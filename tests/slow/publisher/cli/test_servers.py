"""`publisher serve` and `up` as processes: they answer until they are stopped."""

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
from publisher.serving.server import allow_connections
from tests.processes import start
from tests.publisher.cli.test_servers import LARGE, publish
from tests.sizes import PATIENCE, by_lane

IDLE = 1000
# Far more than it takes: without room for others it would be a minute.


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `publisher serve` at a free port; give its process, and the line that it prints."""
    with start("serve", "--port", 0, folder) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline()
        finally:
            process.kill()


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        body: bytes = answer.read()
        return body


@pytest.mark.parametrize("number", by_lane([signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]))
def test_it_serves_until_stopped_and_finishes_open_requests(
    lantern: Path, number: signal.Signals
) -> None:
    publish(lantern)
    with serving(lantern) as (process, line):
        url = line.split()[-1]
        assert line == f"{lantern / 'public'} is at {url}\n"
        assert read(url) == b"The Lantern"
        with urllib.request.urlopen(f"{url}tide.mp3") as slow:
            begun = len(slow.read(1000))
            process.send_signal(number)
            assert begun + len(slow.read()) == LARGE
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out, err) == (0, "", "")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        """Follow none."""


def test_a_thousand_idle_connections_shut_nobody_out(lantern: Path) -> None:
    publish(lantern)
    allow_connections()
    with serving(lantern) as (_process, line), ExitStack() as stack:
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


def test_the_service_pages_and_console_are_one_process_until_stopped(small: Path) -> None:
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    with (small / SETTINGS_FILE).open("a") as file:
        file.write(f'\n[web]\naddress = "127.0.0.1:{ports[0]}"\n[console]\nport = {ports[1]}\n')
    with start("up", small) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline() for _part in ports]
            assert lines[0] == f"{small} is at http://127.0.0.1:{ports[0]}/\n"
            assert lines[1].endswith(f"(listening on http://127.0.0.1:{ports[1]}/)\n")
            for port in ports:
                assert read(f"http://127.0.0.1:{port}/healthz") == b"ok\n"
            pages, console = (f"http://127.0.0.1:{port}/" for port in ports)
            assert b"Subscribe" in read(f"{pages}en/subscribe/")
            with pytest.raises(urllib.error.HTTPError) as missing:
                read(f"{pages}-/nothing?t=token")
            assert missing.value.headers["X-Robots-Tag"] == "noindex"
            missing.value.close()
            with pytest.raises(urllib.error.HTTPError) as redirect:
                urllib.request.build_opener(NoRedirect).open(console)
            assert redirect.value.code == 303
            assert redirect.value.headers["Location"] == "/sign-in/?next=/"
            redirect.value.close()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=120)
            # A busy machine reads articles for so long that their count is printed.
            said = [line for line in out.splitlines() if "reading articles" not in line]
            assert (process.returncode, said) == (0, [])
            assert '"service stopped"' in err
        finally:
            process.kill()
