"""How PostgreSQL chooses the rows that are claimed, with other processes beside this one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from publisher.delivery.ledger.claims import claim
from tests.databases import on_postgresql
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    OpenLedger,
    open_test_ledger,
)


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """An open ledger on the server."""
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    return open_test_ledger(publication, ANN, BOB, CYD)


def test_two_who_do_not_wait_for_each_other_claim_different_rows(ledger: OpenLedger) -> None:
    engine = ledger.publication.database._engine
    # Without the lock of those who write: each sees the rows as before the other's claim.
    with engine.begin() as one, engine.begin() as other:
        first = claim(one, ledger.number, ledger.lease_id, NOW, 2)
        second = claim(other, ledger.number, ledger.lease_id, NOW, 3)
    assert [row.recipient.address for row in first] == [ANN, BOB]
    assert [row.recipient.address for row in second] == [CYD]


def test_a_claim_reads_rows_in_order_from_the_index(ledger: OpenLedger) -> None:
    plans: list[str] = []

    def explain(connection: Connection, _cursor: object, statement: str, *rest: Any) -> None:
        if "SKIP LOCKED" in statement:
            cursor = connection.connection.cursor()
            cursor.execute(f"EXPLAIN {statement}", rest[0])
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    engine = ledger.publication.database._engine
    with ledger.writing() as connection:
        # As for a large table: three rows would be read and sorted.
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        event.listen(engine, "before_cursor_execute", explain)
        claim(connection, ledger.number, ledger.lease_id, NOW, 2)
        event.remove(engine, "before_cursor_execute", explain)
    choice, found, change = plans[0].partition("Index Scan using ix_delivery_state")
    assert found
    assert "Sort" not in choice
    assert "Index Scan using pk_delivery" in change
