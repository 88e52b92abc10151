"""How many connections to the database's server a process has while it works: 12 at most."""

from __future__ import annotations

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy import text as sql_text

from publisher.config import Settings
from publisher.mail.signed_links import sign_link
from publisher.testing import SECRET, PostgresDatabases, PostgresServer
from publisher.testing.postgres_server import find_server_programs
from tests.slow.publisher.delivery.crashes.scene import say, serving
from tests.slow.publisher.delivery.crashes.servers import wait_for
from tests.slow.publisher.delivery.hosts import (
    NAME,
    Place,
    is_over,
    make_scene,
    start_machines,
    stop,
)
from tests.slow.publisher.delivery.links import Link
from tools.bench.web_server import Connection, running

SUBSCRIBERS = 600
# Threads of the service that send, and clients of the web process.
SENDING, CLIENTS, PAGES = 50, 16, 400
MOST = 12
SESSIONS = sql_text(
    "SELECT application_name, count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'publisher/%'"
    " GROUP BY application_name"
)


def read_pages(settings: Settings, client: int) -> None:
    """Look at preferences, as one of several clients."""
    with closing(Connection(settings)) as connection:
        for number in range(client, PAGES, CLIENTS):
            token = sign_link(SECRET, "preferences", number % SUBSCRIBERS + 1)
            assert connection.ask(f"GET /en/preferences/?t={token} HTTP/1.1") == 200


@pytest.mark.parametrize("engine", ["local", "procrastinate"])
def test_neither_the_service_nor_the_web_process_has_more_than_twelve_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    if find_server_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        web = f'[web]\naddress = "127.0.0.1:{free.getsockname()[1]}"\n'
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer())
        server = stack.enter_context(serving(tmp_path / "log", "--slow", 0.03))
        scene = make_scene(
            tmp_path / "lantern",
            SUBSCRIBERS,
            postgres,
            server,
            connections=SENDING,
            more=web,
            engine=engine,
        )
        scene.settings.folders.public.mkdir(exist_ok=True)
        url = PostgresDatabases(postgres.folder).url(NAME)
        monkeypatch.setenv("PUBLISHER_DATABASE", url)
        link = Link(postgres.folder / ".s.PGSQL.5432")
        stack.callback(link.close)
        pages = stack.enter_context(running(scene.settings))
        place = Place(("127.0.0.1", link.port), ("127.0.0.1", server.port))
        (host,) = start_machines(scene, tmp_path, server, [place], stack)
        looking = create_engine(url, pool_size=1)
        stack.callback(looking.dispose)
        clients = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        done = [clients.submit(read_pages, scene.settings, one) for one in range(CLIENTS)]
        most: Counter[str] = Counter()

        def is_done() -> bool:
            with looking.connect() as connection:
                for name, count in connection.execute(SESSIONS):
                    most[name] = max(most[name], count)
            return all(one.done() for one in done) and is_over(scene)

        wait_for("pages and mails", is_done)
        for one in done:
            one.result()
        stop([host])
    numbers = {
        kind: most[f"publisher/{process.pid}/{socket.gethostname()}"]
        for kind, process in (("run", host.process), ("web", pages.process))
    }
    say(numbers)
    assert all(1 < count <= MOST for count in numbers.values())
