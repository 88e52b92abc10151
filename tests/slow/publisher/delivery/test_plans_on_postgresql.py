"""How PostgreSQL finds rows of a large ledger, before, during and after an issue is sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from psycopg import sql
from sqlalchemy import Connection, Table, event, text

from publisher.delivery.ledger import attempts, leases, lifecycle
from publisher.delivery.ledger import claims as ledger_claims
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
# Rows that are held while others are sent.
CLAIMED, ATTEMPTING = 9, 8
# By the first part of the key only, or by nothing.
WHOLE_ISSUE = re.compile(
    r"Seq Scan on delivery\b|pk_delivery\b[^\n]*\n *Index Cond: \(issue_id = \S+\)(\n|$)"
)


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
            # A row that is sent keeps its lease.
            text(
                "UPDATE delivery SET state = 'sent', lease_id = :lease"
                " WHERE state = 'pending' AND subscriber_id <= :last"
            ),
            {"lease": ledger.lease_id, "last": FIRST + round(ROWS * share)},
        )
    with ledger.writing() as connection:
        connection.execute(text("ANALYZE delivery"))


@contextmanager
def plans_of(connection: Connection) -> Iterator[list[str]]:
    """Collect the plans of statements that read or change rows of the ledger: for these values, and for any."""
    plans: list[str] = []

    def explain(one: Connection, _cursor: object, statement: str, *rest: Any) -> None:
        if re.search(r"\bdelivery\b", statement):
            cursor = one.connection.cursor()
            cursor.execute(f"EXPLAIN {statement}", rest[0])
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
            plans.append(generic_plan(cursor, statement, rest[0]))

    event.listen(connection, "before_cursor_execute", explain)
    yield plans
    event.remove(connection, "before_cursor_execute", explain)


def generic_plan(cursor: Any, statement: str, values: dict[str, Any]) -> str:
    """Return the plan that a prepared statement may have from its sixth execution on."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    numbered = re.sub(r"%\((\w+)\)s", lambda one: f"${names.index(one[1]) + 1}", statement)
    given = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(sql.SQL("PREPARE one AS " + numbered.replace("%%", "%")))
    cursor.execute(sql.SQL("EXPLAIN EXECUTE one({})").format(given))
    plan = "\n".join(row[0] for row in cursor.fetchall())
    cursor.execute("DEALLOCATE one")
    cursor.execute("SET LOCAL plan_cache_mode = auto")
    return plan


def assert_found_by_key(plan: str) -> None:
    assert "Index Scan using pk_delivery" in plan, plan
    assert "ix_delivery_state" not in plan, plan
    assert "Seq Scan on delivery" not in plan, plan


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_rows_are_claimed_in_the_order_of_the_index_and_changed_by_key(
    ledger: OpenLedger, share: float
) -> None:
    row = ledger_claims.Claim(ledger.number, a_recipient(ledger), 1, 0, NOW, None)
    rows = [replace(row, recipient=replace(row.recipient, id=FIRST + n)) for n in range(PAGE)]
    set_sent(ledger, share)
    with ledger.writing() as connection, plans_of(connection) as plans:
        claimed = ledger_claims.claim(connection, ledger.number, ledger.lease_id, NOW, 500)
        claims = plans.copy()
        plans.clear()
        attempts.begin_attempts(connection, claimed[:PAGE] or rows, NOW)
        changes = {one: StateChange(DeliveryState.SENT) for one in claimed[:PAGE] or rows}
        attempts.settle_attempts(connection, changes, NOW)
        ledger_claims.release_claims(connection, claimed[PAGE:] or rows, NOW)
    assert len(claimed) == (500 if share < 1 else 0)
    for plan in claims:
        choice, found, change = plan.partition("Index Scan using ix_delivery_state")
        assert found, plan
        assert "Sort" not in choice, plan
        assert "Seq Scan on delivery" not in change, plan
    assert len(plans) >= 3
    for plan in plans:
        assert_found_by_key(plan)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_whether_and_when_rows_are_due_is_found_by_index(
    ledger: OpenLedger, share: float
) -> None:
    set_sent(ledger, share)
    numbers = [ledger.number]
    with ledger.writing() as connection, plans_of(connection) as plans:
        due = ledger_claims.count_due(connection, numbers, NOW, 10)
        next_at = ledger_claims.next_due_at(connection, numbers)
        overdue = ledger_claims.claim_overdue(
            connection, ledger.number, ledger.lease_id, NOW, PAGE
        )
        lifecycle.sweep_cancelled(connection, NOW)
        finished = lifecycle.finish_issue(connection, ledger.issue, NOW)
    assert (due, next_at, overdue) == ((10, NOW, []) if share < 1 else (0, None, []))
    assert (finished is None) == (share < 1)
    # What has to read all rows: the counts of a finished issue are stored. And the last look of the sweep,
    # which finds any row of an issue that has no counts.
    others = [one for one in plans if "Aggregate" not in one or "Limit" in one]
    for plan in others:
        found, _, _any_row = plan.partition("delivery_count")
        assert "ix_delivery_state" in found or "ix_delivery_held" in found, plan
        assert not WHOLE_ISSUE.search(found), plan
        assert "Sort" not in found, plan
    assert len(others) >= 5
    assert len(plans) - len(others) == 2 * (share == 1)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_rows_of_a_lease_are_found_by_their_index(ledger: OpenLedger, share: float) -> None:
    ledger.begin(ATTEMPTING)
    ledger.claim(CLAIMED)
    set_sent(ledger, share)
    with ledger.writing() as connection, plans_of(connection) as plans:
        leases.release_lease(connection, ledger.lease_id)
        (lease,) = leases.list_leases(connection)
        revoked = leases.revoke_lease(connection, lease, NOW)
        attempts.release_all_rows(connection, [ledger.number], ledger.lease_id, NOW)
        lifecycle.pause_issue(connection, ledger.issue, "x", NOW)
    assert revoked == leases.RevokedRows(freed=CLAIMED, in_doubt=ATTEMPTING)
    assert len(plans) == 12
    for plan in plans:
        assert "ix_delivery_held" in plan, plan
        assert not WHOLE_ISSUE.search(plan), plan


def test_only_the_counts_of_a_cancelled_issue_read_all_its_rows(ledger: OpenLedger) -> None:
    claims = ledger.begin(ATTEMPTING)
    ledger.claim(CLAIMED)
    set_sent(ledger, 1)
    with ledger.writing() as connection, plans_of(connection) as plans:
        attempts.undo_attempts(connection, claims, NOW)
        lifecycle.cancel_issue(connection, ledger.issue, "x", NOW)
    assert_found_by_key(plans[0])
    assert ledger.counts == {"sent": ROWS + 1 - ATTEMPTING - CLAIMED, "cancelled": 17}
    whole = [one for one in plans if WHOLE_ISSUE.search(one)]
    assert len(whole) == 2
    assert all("Aggregate" in one for one in whole)


def a_recipient(ledger: OpenLedger) -> Any:
    """Return the recipient of a row that is claimed and given back."""
    with ledger.writing() as connection:
        (found,) = ledger_claims.claim(connection, ledger.number, ledger.lease_id, NOW, 1)
        ledger_claims.release_claims(connection, [found], NOW)
    return found.recipient


def test_the_ledger_is_cleaned_after_a_fiftieth_of_its_rows(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        query = text("SELECT unnest(reloptions) FROM pg_class WHERE relname = 'delivery'")
        options = dict(one.split("=") for one in connection.scalars(query))
    assert options["autovacuum_vacuum_scale_factor"] == "0.02"
    assert options["autovacuum_vacuum_cost_delay"] == "0"
