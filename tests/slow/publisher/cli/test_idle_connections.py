"""A thousand connections that send nothing."""

from __future__ import annotations

import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from publisher.serving.server import allow_open_files
from tests.processes import start
from tests.publisher.cli.test_serve import publish

IDLE = 1000
# Far more than it takes: without room for others it would be a minute.
PATIENCE = 20


def test_a_thousand_idle_connections_shut_nobody_out(lantern: Path) -> None:
    publish(lantern)
    allow_open_files()
    with start("serve", "--port", 0, lantern) as process, ExitStack() as stack:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            port = int(url.split(":")[-1].strip("/"))
            for _ in range(IDLE):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            begin = time.monotonic()
            with ThreadPoolExecutor(8) as pool:
                bodies = list(pool.map(lambda _n: read(url), range(40)))
            waited = time.monotonic() - begin
        finally:
            process.kill()

    assert bodies == [b"The Lantern"] * 40
    assert waited < PATIENCE


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        body: bytes = answer.read()
        return body
