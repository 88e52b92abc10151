"""What a publication says of a server that may lose commits, and how it notices one that is cut off."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from publisher.app.operation.run import open_locked_pipeline
from publisher.database import open_database
from publisher.database.dialect import postgresql, server_session
from tests.publisher.conftest import PublicationFolder
from tools.servers import PostgresDatabases, PostgresServer
from tools.servers.postgres_server import find_server_programs

pytestmark = pytest.mark.skipif(
    find_server_programs() is None, reason="PostgreSQL is not installed"
)
SAFE = "fsync = on\nfull_page_writes = on\n"
# 10 + 3 * 5 seconds, and milliseconds: 25 seconds each.
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
UNANSWERED = 25_000


@contextmanager
def database_on(settings: str) -> Iterator[str]:
    """Start a server; yield the address of an empty database."""
    with PostgresServer(settings) as server, closing(PostgresDatabases(server.folder)) as found:
        yield found.create("news")


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which nobody listens but who reuses it, until the end of the test."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (SAFE, []),
        ("fsync = on\n", [["full_page_writes = off"]]),
        ("", [["fsync = off", "full_page_writes = off"]]),
    ],
)
def test_a_run_says_at_its_start_that_the_server_may_lose_commits(
    new_publication: Callable[..., PublicationFolder],
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    said: list[list[str]],
) -> None:
    # Undo what `wait_for_no_disk` does.
    monkeypatch.setattr(postgresql, "unsafe_settings", server_session.unsafe_settings)
    publication = new_publication()
    with database_on(server) as address:
        settings = replace(publication.settings, database_address=SecretStr(address))
        with capture_logs() as logs, open_locked_pipeline(settings, publication.clock):
            pass
    found = [one for one in logs if "power cut" in one["event"]]
    assert [one["settings"] for one in found] == said
    assert {one["log_level"] for one in found} <= {"warning"}


def options(engine: Engine) -> tuple[dict[str, int], dict[str, int]]:
    """Return what client and server set for a new connection, by names of libpq."""
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as ours:
            client = {
                "keepalives": ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                "keepalives_idle": ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                "keepalives_interval": ours.getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_KEEPINTVL
                ),
                "keepalives_count": ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                "tcp_user_timeout": ours.getsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT
                ),
            }
        # Read from the server's socket; over a Unix socket they would be 0.
        server = {
            name: int(connection.scalar(text("SELECT current_setting(:name)"), {"name": of}))
            for name, of in [
                *((name, f"tcp_{name}") for name in ALIVE),
                ("tcp_user_timeout", "tcp_user_timeout"),
            ]
        }
    return client, server


def test_both_ends_of_a_session_notice_within_25_seconds_that_the_other_is_gone(
    port: int,
) -> None:
    listening = f"listen_addresses = '127.0.0.1'\nport = {port}\n"
    stated = {**ALIVE, "tcp_user_timeout": UNANSWERED}
    with PostgresServer(listening):
        address = f"postgresql://publisher@127.0.0.1:{port}/postgres"
        with closing(open_database(address)) as database:
            backend: Any = database._backend
            for engine in (backend.engine, backend._lookups):
                assert options(engine) == ({"keepalives": 1, **stated}, stated)
        with closing(open_database(f"{address}?keepalives_idle=60")) as database:
            client, server = options(database._engine)
    assert client == {"keepalives": 1, **stated, "keepalives_idle": 60}
    assert server == stated
