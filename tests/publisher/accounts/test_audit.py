"""What was done stays on record, and whoever changes the record is found out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from publisher.accounts import audit
from publisher.accounts.audit import AuditEntry, AuditFault
from publisher.database import Database
from publisher.errors import DatabaseError
from publisher.testing import SECRET
from tests.databases import on_postgresql
from tests.publisher.conftest import NOW

ENTRIES = [
    AuditEntry(
        at=NOW + timedelta(minutes=number),
        actor="ann@example.org",
        verb="approve",
        object=f"weekly-en-{number}",
        details={"manifest": "abc", "number": number, "note": "gut, 好"},
        network="192.0.2.0/24",
    )
    for number in range(4)
]


@pytest.fixture
def filled(database: Database) -> Database:
    with database.writing() as connection:
        for entry in ENTRIES:
            audit.record(connection, SECRET, entry)
    return database


def without_trigger(connection: Connection) -> None:
    """Do what the owner of a database can."""
    if on_postgresql():
        connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
    else:
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER audit_entry_no_{verb}"))


def test_entries_are_read_the_latest_first_in_portions(filled: Database) -> None:
    with filled.reading() as connection:
        rows = audit.read_log(connection, limit=3)
        assert [entry for _number, entry in rows] == ENTRIES[:0:-1]
        rest = audit.read_log(connection, before=rows[-1][0])
        assert rest == [(1, ENTRIES[0])]


def test_an_empty_and_a_whole_log_have_no_fault(database: Database) -> None:
    for entry in (None, *ENTRIES):
        with database.writing() as connection:
            if entry is not None:
                audit.record(connection, SECRET, entry)
            assert audit.find_fault(connection, SECRET) is None


@pytest.mark.parametrize(
    "change", ["UPDATE audit_entry SET verb = 'x'", "DELETE FROM audit_entry"]
)
def test_the_database_refuses_to_change_entries(filled: Database, change: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"), filled.writing() as connection:
        connection.execute(text(change))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE audit_entry SET verb = 'edit' WHERE id = 2", AuditFault(2, "changed")),
        ("UPDATE audit_entry SET details = '{}' WHERE id = 3", AuditFault(3, "changed")),
        ("DELETE FROM audit_entry WHERE id = 2", AuditFault(3, "missing")),
        ("DELETE FROM audit_entry WHERE id = 1", AuditFault(2, "missing")),
    ],
)
def test_a_log_that_was_changed_all_the_same_shows_it(
    filled: Database, change: str, fault: AuditFault
) -> None:
    with filled.writing() as connection:
        without_trigger(connection)
        connection.execute(text(change))
    with filled.reading() as connection:
        assert audit.find_fault(connection, SECRET) == fault


def test_the_hashes_need_the_publication_s_secret(filled: Database) -> None:
    with filled.reading() as connection:
        assert audit.find_fault(connection, "another secret") == AuditFault(1, "changed")


def test_a_long_log_is_checked_in_portions(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PORTION", 2)
    with filled.writing() as connection:
        assert audit.find_fault(connection, SECRET) is None
        without_trigger(connection)
        connection.execute(text("UPDATE audit_entry SET actor = 'bob' WHERE id = 4"))
        assert audit.find_fault(connection, SECRET) == AuditFault(4, "changed")
