"""Each migration keeps the rows of the schema before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from publisher.database import open_database, schema
from publisher.database.dialect import open_backend
from publisher.delivery.ledger import leases


@contextmanager
def made_at(revision: str, path: Path) -> Iterator[Connection]:
    """Make a database as a migration left it, and write to it."""
    with closing(open_backend(path, "full")) as backend:
        schema.migrate(backend, revision)
        with (
            backend.engine.connect() as connection,
            backend.begin(connection, writes=True),
        ):
            yield connection


def test_a_lease_from_before_hosts_were_recorded_stays(tmp_path: Path) -> None:
    path = tmp_path / "publisher.db"
    with made_at("0010", path) as connection:
        connection.execute(
            text("INSERT INTO send_lease VALUES (7, 9.5, 'smtp', 'ambiguous', 'x.lock')")
        )
    with closing(open_database(path)) as database, database.writing() as connection:
        (lease,) = leases.list_leases(connection)
        assert lease == leases.SendLease(7, 9.5, "smtp", "ambiguous", "x.lock", "")
        assert leases.create_lease(connection, "smtp", "ambiguous", "y.lock", 9.5) == 8
