from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, select

from publisher.notices.kinds import ALLOWED_VALUES, REQUIRED_VALUES, NoticeContent, NoticeKind
from publisher.notices.queue import cancel_notices, enqueue_notice
from publisher.notices.tables import notice
from subscribers import erase
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW


@pytest.fixture
def ann(connection: Connection) -> int:
    key = connection.execute(
        insert(subscriber).values(
            email="ann@example.org",
            address="Ann@example.org",
            language="en",
            status="pending",
            created_at=NOW,
            updated_at=NOW,
        )
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


def test_a_notice_waits_from_the_moment_that_it_is_enqueued(
    connection: Connection, ann: int
) -> None:
    values = {"number": 7, "code": "123456", "newsletters": ["weekly"]}
    first = enqueue_notice(connection, NoticeKind.CONFIRM, ann, NOW, values=values)
    second = enqueue_notice(
        connection,
        NoticeKind.CONFIRM_ADDRESS,
        ann,
        NOW,
        to="new@example.org",
        language="ar",
        values={"number": 8},
    )
    rows = connection.execute(select(notice).order_by(notice.c.id)).all()
    assert [row.id for row in rows] == [first, second]
    assert [row.state for row in rows] == ["pending", "pending"]
    assert [row.content for row in rows] == [values, {"number": 8}]
    assert [row.to_address for row in rows] == [None, "new@example.org"]
    assert [row.language for row in rows] == [None, "ar"]
    assert {row.next_at for row in rows} == {NOW}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (NoticeKind.CONFIRM, {"number": 1, "newsletters": []}),
        (NoticeKind.WELCOME, {"newsletters": [], "code": "123456"}),
        (NoticeKind.LINKS, {"colour": "red"}),
    ],
)
def test_a_notice_with_missing_or_other_values_is_a_mistake_of_the_caller(
    connection: Connection, ann: int, kind: NoticeKind, values: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=kind):
        enqueue_notice(connection, kind, ann, NOW, values=values)


def test_every_kind_says_which_values_it_is_made_from() -> None:
    named = NoticeContent.__annotations__.keys()
    assert set(ALLOWED_VALUES) == set(REQUIRED_VALUES) == set(NoticeKind)
    assert frozenset().union(*ALLOWED_VALUES.values()) == named
    assert all(REQUIRED_VALUES[kind] <= ALLOWED_VALUES[kind] for kind in NoticeKind)


def test_a_notice_whose_reason_is_gone_is_cancelled_and_forgets_its_code(
    connection: Connection, ann: int
) -> None:
    values = {"number": 7, "code": "123456", "newsletters": ["weekly"]}
    enqueue_notice(connection, NoticeKind.CONFIRM, ann, NOW, values=values)
    enqueue_notice(connection, NoticeKind.LINKS, ann, NOW)
    later = NOW + timedelta(minutes=1)
    assert cancel_notices(connection, ann, [NoticeKind.CONFIRM], later) == 1
    assert cancel_notices(connection, ann, [NoticeKind.CONFIRM], later) == 0
    rows = connection.execute(select(notice).order_by(notice.c.id)).all()
    assert [row.state for row in rows] == ["cancelled", "pending"]
    assert (rows[0].content, rows[0].reason_key) == ({}, "not-asked-for")
    assert rows[0].changed_at == later


def test_nothing_remains_of_the_notices_of_somebody_who_is_erased(
    connection: Connection, ann: int
) -> None:
    enqueue_notice(connection, NoticeKind.LINKS, ann, NOW, to="ann@old.example")
    erase(connection, "ann@example.org", lambda identity: str(hash(identity)), NOW)
    assert connection.execute(select(notice)).all() == []
