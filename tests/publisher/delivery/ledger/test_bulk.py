"""How statements find their rows; and that none of them looks at a whole issue for a few."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select

from publisher.database.dialect.sql import json_rows
from publisher.delivery.ledger import attempts, doubts, leases, lifecycle
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.claims import ROWS, row_values
from publisher.delivery.retry_policy import StateChange
from publisher.issues import store as issues
from tests.databases import on_postgresql
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)


def test_rows_passed_as_json_are_read_unchanged(publication: PublicationFolder) -> None:
    rows = [(1, 2, "sent", None), (3, 2**40, 'it\'s "so"', "灯笼"), (4, 5, "a\nb", "")]
    rows.append((6, 7, "zu viel – später", "%s ? :rows $[0]"))
    query = select(row_values("issue_id", "subscriber_id", "state", "reason"))
    with publication.database.reading() as connection:
        found = connection.execute(query, {ROWS: json_rows(rows)}).all()
        assert [tuple(row) for row in found] == rows
        assert connection.execute(query, {ROWS: json_rows([])}).all() == []


def test_characters_that_no_database_stores_are_replaced(
    publication: PublicationFolder,
) -> None:
    query = select(row_values("issue_id", "reason"))
    with publication.database.reading() as connection:
        found = connection.execute(query, {ROWS: json_rows([(1, "a\0b\ud800c灯")])}).one()
    assert found.reason == "a\ufffdb\ufffdc灯"


def test_instants_are_encoded_as_the_columns_store_them() -> None:
    noon = datetime(2026, 1, 9, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
    assert json_rows([(noon, None)]) == '[["2026-01-09T12:00:00Z", null]]'
    assert json_rows([[datetime(2026, 1, 9, 12, tzinfo=UTC)]]) == json_rows([[noon]])


# --- as SQLite goes about it

OF_THE_LEDGER = re.compile(r"(SCAN|SEARCH) delivery\b(?!_)")


@contextmanager
def plans(publication: PublicationFolder) -> Iterator[list[tuple[str, str]]]:
    """Collect how each statement gets at the ledger's rows."""
    found: list[tuple[str, str]] = []

    def explain(*arguments: Any) -> None:
        connection, _cursor, statement, parameters = arguments[:4]
        raw: sqlite3.Connection = connection.connection.dbapi_connection
        if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        found.extend((step, statement) for *_, step in rows if OF_THE_LEDGER.match(step))

    event.listen(publication.database._engine, "before_cursor_execute", explain)
    yield found
    event.remove(publication.database._engine, "before_cursor_execute", explain)


def everything_that_is_done(ledger: OpenLedger) -> None:
    """Do everything that a run and an operator do, once each."""
    numbers = [ledger.number]
    claims = one, other = ledger.begin(2)
    with ledger.writing() as connection:
        (issue,) = issues.issues_by_ids(connection, numbers)
        attempts.settle_attempts(
            connection, {one: StateChange(S.DEFERRED, "full", "x", LATER)}, NOW
        )
        attempts.confirm_bounces(connection, claims, NOW)
        attempts.sent_under_lease(connection, ledger.lease_id, [claim.key for claim in claims])
        attempts.undo_attempts(connection, [other], NOW)
        claimed = claim_rows.claim(connection, ledger.number, ledger.lease_id, NOW, 2)
        claim_rows.postpone_claims(connection, {claimed[0]: LATER}, NOW)
        claim_rows.release_claims(connection, claimed[1:], NOW)
        attempts.begin_attempts(
            connection,
            claim_rows.claim(connection, ledger.number, ledger.lease_id, NOW, 1),
            NOW,
        )
        claim_rows.next_due_at(connection, numbers)
        claim_rows.count_due(connection, numbers, NOW, 8)
        leases.release_lease(connection, ledger.lease_id)
        doubts.issues_in_doubt(connection)
        doubts.list_doubts(connection, issue)
        doubts.retry_doubts(connection, issue, 3, timedelta(days=2), NOW)
        doubts.resend_doubts(connection, issue, None, NOW)
        doubts.mark_doubts_sent(connection, issue, [1], NOW)
        (gone,) = leases.list_leases(connection)
        leases.revoke_lease(connection, gone, NOW)
        lifecycle.finish_issue(connection, issue, NOW)
        paused = lifecycle.pause_issue(connection, issue, "x", NOW)
        resumed = lifecycle.resume_issue(connection, paused, NOW)
        lifecycle.cancel_issue(connection, resumed, "x", NOW)
        lifecycle.sweep_cancelled(connection, NOW)


@pytest.mark.sqlite("its query plans")
def test_no_statement_scans_an_issue_s_rows_to_find_a_few(
    publication: PublicationFolder,
) -> None:
    ledger = open_test_ledger(publication, ANN, BOB, CYD)
    with plans(publication) as found:
        everything_that_is_done(ledger)
    wide = [
        one for one in found if one[0].startswith("SCAN") or one[0].endswith("(issue_id=?)")
    ]
    # Whether a cancelled issue has any row is one lookup in the key.
    assert [one for one in wide if "delivery_count" not in one[1]] == []
    assert len(found) > 20


# --- as PostgreSQL goes about it, with other processes beside this one


@pytest.fixture
def on_server(publication: PublicationFolder) -> OpenLedger:
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    return open_test_ledger(publication, ANN, BOB, CYD)


def test_two_who_do_not_wait_for_each_other_claim_different_rows(on_server: OpenLedger) -> None:
    engine = on_server.publication.database._engine
    # Without the lock of those who write: each sees the rows as before the other's claim.
    with engine.begin() as one, engine.begin() as other:
        first = claim_rows.claim(one, on_server.number, on_server.lease_id, NOW, 2)
        second = claim_rows.claim(other, on_server.number, on_server.lease_id, NOW, 3)
    assert [row.recipient.address for row in first] == [ANN, BOB]
    assert [row.recipient.address for row in second] == [CYD]
