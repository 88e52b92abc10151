"""How statements find their rows; and that none of them looks at a whole issue for a few."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from sqlalchemy import event, select

from publisher.delivery.fates import Fate
from publisher.delivery.ledger import claiming, doubts, leases, marking, settling, stopping
from publisher.delivery.ledger.rows import NONE, ROWS, as_rows, standing, told, written
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from tests.publisher.conftest import NOW, House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, LATER, Book, S, open_book


def test_rows_that_are_told_are_read_as_they_were(house: House) -> None:
    rows = [(1, 2, "sent", None), (3, 2**40, 'it\'s "so"', "灯笼")]
    query = select(told("issue_id", "subscriber_id", "state", "reason"))
    with house.database.reading() as connection:
        found = connection.execute(query, {ROWS: as_rows(rows)}).all()
        assert [tuple(row) for row in found] == rows
        assert connection.execute(query, {ROWS: as_rows([])}).all() == []


def test_any_number_of_rows_is_one_value(house: House) -> None:
    rows = [(number, -number) for number in range(50_000)]
    with house.database.reading() as connection:
        found = connection.execute(
            select(told("issue_id", "subscriber_id")), {ROWS: as_rows(rows)}
        )
        assert [tuple(row) for row in found] == rows


def test_no_rows_are_known_by_how_they_are_written() -> None:
    assert as_rows(iter(())) == NONE


def test_instants_are_written_as_the_columns_keep_them() -> None:
    noon = datetime(2026, 1, 9, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
    assert written(noon) == "2026-01-09T12:00:00Z"
    assert written(datetime(2026, 1, 9, 12, tzinfo=UTC)) == written(noon)
    assert written(None) is None


def test_rows_are_found_by_how_they_stand(book: Book) -> None:
    book.settle(book.begin(1), S.SENT)
    book.claim(1)
    readers = select(delivery.c.subscriber_id).where(standing(S.SENT, S.CLAIMED))
    with book.writing() as connection:
        assert {*connection.execute(readers).scalars()} == {*[*book.names][:2]}


# --- as SQLite goes about it

OF_THE_LEDGER = re.compile(r"(SCAN|SEARCH) delivery\b(?!_)")


@contextmanager
def plans(house: House) -> Iterator[list[tuple[str, str]]]:
    """Collect how each statement gets at the ledger's rows."""
    found: list[tuple[str, str]] = []

    def explain(*arguments: Any) -> None:
        connection, _cursor, statement, parameters = arguments[:4]
        raw: sqlite3.Connection = connection.connection.dbapi_connection
        if not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        found.extend((step, statement) for *_, step in rows if OF_THE_LEDGER.match(step))

    event.listen(house.database._engine, "before_cursor_execute", explain)
    yield found
    event.remove(house.database._engine, "before_cursor_execute", explain)


def everything_that_is_done(book: Book) -> None:
    """Do what delivery does of a turn, and what people do, once each."""
    numbers = [book.number]
    claims = one, other = book.begin(2)
    with book.writing() as connection:
        (issue,) = issues.numbered(connection, numbers)
        settling.settle(connection, {one: Fate(S.DEFERRED, "x", LATER)}, NOW)
        settling.believe(connection, claims, NOW)
        settling.sent_by(connection, book.sender, [claim.key for claim in claims])
        marking.unmark(connection, [other], NOW)
        claimed = claiming.claim(connection, book.number, book.sender, NOW, 2)
        marking.put_off(connection, {claimed[0]: LATER}, NOW)
        marking.release(connection, claimed[1:], NOW)
        marking.mark(
            connection, claiming.claim(connection, book.number, book.sender, NOW, 1), NOW
        )
        claiming.next_due(connection, numbers)
        claiming.due(connection, numbers, NOW, 8)
        leases.discharge(connection, book.sender)
        doubts.doubtful_issues(connection)
        doubts.doubts(connection, issue)
        doubts.repeat(connection, issue, 3, timedelta(days=2), NOW)
        doubts.resend(connection, issue, None, NOW)
        doubts.mark_sent(connection, issue, [1], NOW)
        (gone,) = leases.senders(connection)
        leases.dismiss(connection, gone, NOW)
        stopping.finish(connection, issue, NOW)
        paused = stopping.pause(connection, issue, "x", NOW)
        resumed = stopping.resume(connection, paused, NOW)
        stopping.cancel(connection, resumed, "x", NOW)
        stopping.sweep_cancelled(connection, NOW)


def test_no_verb_looks_at_all_rows_of_an_issue_to_find_a_few(house: House) -> None:
    book = open_book(house, ANN, BOB, CYD)
    with plans(house) as found:
        everything_that_is_done(book)
    wide = [
        one for one in found if one[0].startswith("SCAN") or one[0].endswith("(issue_id=?)")
    ]
    # Whether a cancelled issue has any row at all is one look into the key.
    assert [one for one in wide if "delivery_count" not in one[1]] == []
    assert len(found) > 20
