"""Each migration keeps the rows of the schema before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from publisher.database import open_database, schema
from publisher.database.dialect import open_backend
from publisher.delivery.ledger import leases
from subscribers import find_subscriber, load_history, unsubscribe
from tests.databases import new_database
from tests.publisher.conftest import NOW


@contextmanager
def made_at(revision: str, address: Path | str) -> Iterator[Connection]:
    """Make a database as a migration left it, and write to it."""
    with closing(open_backend(address, "full")) as backend:
        schema.migrate(backend, revision)
        with (
            backend.engine.connect() as connection,
            backend.begin(connection, writes=True),
        ):
            yield connection


def test_a_lease_from_before_hosts_were_recorded_stays(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0010", address) as connection:
        connection.execute(
            text(
                "INSERT INTO send_lease (expires_at, transport, guarantee, lock_file)"
                " VALUES (9.5, 'smtp', 'ambiguous', 'x.lock')"
            )
        )
    with closing(open_database(address)) as database, database.writing() as connection:
        (lease,) = leases.list_leases(connection)
        assert lease == leases.SendLease(1, 9.5, "smtp", "ambiguous", "x.lock", "")
        assert leases.create_lease(connection, "smtp", "ambiguous", "y.lock", 9.5) == 2


def test_a_subscriber_from_before_events_has_an_empty_history(tmp_path: Path) -> None:
    address = new_database(tmp_path / "publisher.db")
    with made_at("0011", address) as connection:
        connection.execute(
            text(
                "INSERT INTO subscriber (email, address, language, status, created_at, updated_at)"
                " VALUES ('ann@example.org', 'Ann@example.org', 'en', 'active', :then, :then)"
            ),
            {"then": "2026-01-09T12:00:00Z"},
        )
        connection.execute(
            text("INSERT INTO subscription VALUES (1, 'weekly', 'active', NULL, 'import')")
        )
    with closing(open_database(address)) as database, database.writing() as connection:
        before = load_history(connection, 1)
        assert (before.created_at, before.events) == (NOW, ())
        assert [one.newsletter for one in before.subscriptions] == ["weekly"]
        assert unsubscribe(connection, "ann@example.org", None, NOW)
        after = load_history(connection, 1)
        assert [one.newsletter for one in after.events] == [None, "weekly"]
        person = find_subscriber(connection, "ann@example.org")
        assert person is not None
        assert person.declined == ("weekly",)
