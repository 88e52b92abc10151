"""How many connections to the database's server a process has while it works: 12 at most."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy import text as sql_text

from publisher.config import Settings
from publisher.mail.signed_addresses import sign_link
from publisher.testing import SECRET
from tests.sizes import only_at_night
from tests.slow.publisher.delivery.crashes.scene import say, wait_for
from tests.slow.publisher.delivery.hosts import NAME, clustered, is_over, stop
from tools.bench.web_server import Connection, running
from tools.servers import PostgresDatabases

# Threads of the service that send, and clients of the web process.
SUBSCRIBERS, PAGES = 600, 400
SENDING, CLIENTS = 50, 16
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


@only_at_night
# The task engine has connections of its own, besides those of the local one.
@pytest.mark.parametrize("engine", ["procrastinate", "local"])
def test_neither_the_service_nor_the_web_process_has_more_than_twelve_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        web = f'[web]\naddress = "127.0.0.1:{free.getsockname()[1]}"\n'
    options: dict[str, Any] = {"connections": SENDING, "more": web, "engine": engine}
    with clustered(tmp_path, SUBSCRIBERS, **options) as cluster:
        scene, stack = cluster.scene, cluster.stack
        scene.settings.folders.public.mkdir(exist_ok=True)
        url = PostgresDatabases(cluster.postgres.folder).url(NAME)
        monkeypatch.setenv("PUBLISHER_DATABASE", url)
        pages = stack.enter_context(running(scene.settings))
        (host,) = cluster.start()
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
