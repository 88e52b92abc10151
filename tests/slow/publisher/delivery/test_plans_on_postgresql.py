"""How PostgreSQL finds rows of a large ledger, before, during and after an issue is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Table, event, text

from publisher.delivery.ledger import attempts
from publisher.delivery.ledger.claims import Claim, claim, release_claims
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from subscribers.tables import subscriber, subscription
from tests.databases import on_postgresql
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import ANN, OpenLedger, open_test_ledger

ROWS = 100_000
FIRST = 1_000
PAGE = 64


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """An open ledger on the server, with many rows like the first."""
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    ledger = open_test_ledger(publication, ANN)
    with ledger.writing() as connection:
        multiply(connection, subscriber, "id", email="'s' || n || '@example.com'")
        multiply(connection, subscription, "subscriber_id")
        multiply(connection, delivery, "subscriber_id")
    return ledger


def multiply(connection: Connection, table: Table, number: str, **others: str) -> None:
    """Copy the one row of a table many times, with other numbers."""
    values = {one.name: one.name for one in table.c} | {number: f"{FIRST} + n"} | others
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())}"
            f" FROM {table.name}, generate_series(1, {ROWS}) AS n"
        )
    )


def set_sent(ledger: OpenLedger, share: float) -> None:
    """Let this share of the rows be sent, and the statistics know it."""
    with ledger.writing() as connection:
        # Without the trigger of these tests that allows moves by the program only.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE delivery SET state = 'sent' WHERE subscriber_id <= :last"),
            {"last": FIRST + round(ROWS * share)},
        )
    with ledger.writing() as connection:
        connection.execute(text("ANALYZE delivery"))


@contextmanager
def plans_of(connection: Connection) -> Iterator[list[str]]:
    """Collect the plans of statements that change the ledger."""
    plans: list[str] = []

    def explain(one: Connection, _cursor: object, statement: str, *rest: Any) -> None:
        if "UPDATE delivery" in statement:
            cursor = one.connection.cursor()
            cursor.execute(f"EXPLAIN {statement}", rest[0])
            plans.append("\n".join(row[0] for row in cursor.fetchall()))

    event.listen(connection, "before_cursor_execute", explain)
    yield plans
    event.remove(connection, "before_cursor_execute", explain)


def assert_found_by_key(plan: str) -> None:
    assert "Index Scan using pk_delivery" in plan, plan
    assert "ix_delivery_state" not in plan, plan
    assert "Seq Scan on delivery" not in plan, plan


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_rows_are_claimed_in_the_order_of_the_index_and_changed_by_key(
    ledger: OpenLedger, share: float
) -> None:
    row = Claim(ledger.number, a_recipient(ledger), 1, 0, NOW, None)
    rows = [replace(row, recipient=replace(row.recipient, id=FIRST + n)) for n in range(PAGE)]
    set_sent(ledger, share)
    with ledger.writing() as connection, plans_of(connection) as plans:
        claimed = claim(connection, ledger.number, ledger.lease_id, NOW, 500)
        claims = plans.copy()
        plans.clear()
        attempts.begin_attempts(connection, claimed[:PAGE] or rows, NOW)
        changes = {one: StateChange(DeliveryState.SENT) for one in claimed[:PAGE] or rows}
        attempts.settle_attempts(connection, changes, NOW)
        release_claims(connection, claimed[PAGE:] or rows, NOW)
    assert len(claimed) == (500 if share < 1 else 0)
    for plan in claims:
        choice, found, change = plan.partition("Index Scan using ix_delivery_state")
        assert found, plan
        assert "Sort" not in choice, plan
        assert "Seq Scan on delivery" not in change, plan
    assert len(plans) >= 3
    for plan in plans:
        assert_found_by_key(plan)


def a_recipient(ledger: OpenLedger) -> Any:
    """Return the recipient of a row that is claimed and given back."""
    with ledger.writing() as connection:
        (found,) = claim(connection, ledger.number, ledger.lease_id, NOW, 1)
        release_claims(connection, [found], NOW)
    return found.recipient


def test_the_ledger_is_cleaned_after_a_fiftieth_of_its_rows(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        query = text("SELECT unnest(reloptions) FROM pg_class WHERE relname = 'delivery'")
        options = dict(one.split("=") for one in connection.scalars(query))
    assert options["autovacuum_vacuum_scale_factor"] == "0.02"
    assert options["autovacuum_vacuum_cost_delay"] == "0"
