"""The queue: who may send a row, when it is tried again, and how it ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from publisher.accounts.mails import STAFF_POLICY
from publisher.database import retry_queue
from publisher.database.retry_queue import QueuePolicy, Settlement, queue_item
from publisher.notices.ledger import NOTICE_POLICY
from publisher.syndication.websub import PING_POLICY
from publisher.webhooks.store import WEBHOOK_POLICY
from tests.publisher.conftest import NOW

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PLAIN = QueuePolicy(
    kinds=("plain",), delays=[MINUTE, 5 * MINUTE], lease=MINUTE, most_doubts=1, keep=30 * DAY
)


def put(connection: Connection, key: str | None = None, **options: Any) -> int | None:
    return retry_queue.enqueue(connection, "plain", {"a": 1}, NOW, key=key, **options)


def reserve(connection: Connection, after: timedelta = timedelta(0)) -> list[Any]:
    now = NOW + after
    retry_queue.recover(connection, PLAIN, now)
    due = retry_queue.due_items(connection, PLAIN, now, 9)
    return retry_queue.reserve(connection, PLAIN, due, now)


def rows(connection: Connection) -> list[Any]:
    return retry_queue.load_items(connection, select(queue_item).order_by(queue_item.c.id))


@pytest.mark.parametrize(
    ("policy", "attempts", "minutes"),
    [
        ({}, 1, 1),
        ({}, 2, 5),
        ({}, 9, 5),
        ({"most_attempts": 3}, 2, 5),
        ({"most_attempts": 3}, 3, None),
        ({"give_up_after": 12 * MINUTE}, 2, 5),
        ({"give_up_after": 11 * MINUTE}, 2, None),
    ],
)
def test_an_attempt_follows_after_its_delay_until_the_policy_gives_up(
    connection: Connection, policy: dict[str, Any], attempts: int, minutes: int | None
) -> None:
    put(connection)
    (item,) = reserve(connection)
    item = replace(item, attempts=attempts, tried_at=NOW - 7 * MINUTE)
    found = retry_queue.next_attempt(replace(PLAIN, **policy), item, NOW)
    assert found == (None if minutes is None else NOW + minutes * MINUTE)
    later = retry_queue.next_attempt(replace(PLAIN, **policy), item, NOW, 9 * DAY)
    assert later == (NOW + 9 * DAY if minutes and "give_up_after" not in policy else None)


@pytest.mark.parametrize("jitter", [-0.25, 0.1])
def test_delays_are_spread_by_a_part_of_them_and_reproducible(
    connection: Connection, jitter: float
) -> None:
    for _ in range(9):
        put(connection)
    policy = replace(PLAIN, jitter=jitter)
    items = reserve(connection)
    found = [retry_queue.next_attempt(policy, item, NOW) for item in items]
    low, high = sorted([NOW + MINUTE, NOW + MINUTE * (1 + jitter)])
    assert all(at and low <= at <= high for at in found)
    assert len({*found}) > 5
    assert found == [retry_queue.next_attempt(policy, item, NOW) for item in items]


def test_the_same_thing_is_enqueued_once_and_what_is_renewed_begins_anew(
    connection: Connection,
) -> None:
    first = put(connection, "a")
    assert put(connection, "a") is None
    (reserved,) = reserve(connection)
    assert put(connection, "a", renews=True) == first
    # The result of the former attempt is not that of the new one.
    assert not retry_queue.settle(connection, reserved, Settlement("sent"), NOW)
    (item,) = rows(connection)
    assert (item.state, item.attempts, item.tried_at) == ("pending", 0, None)
    assert put(connection) != put(connection)


def test_a_reserved_row_is_nobody_else_s_until_its_lease_ends(connection: Connection) -> None:
    put(connection)
    (first,) = reserve(connection)
    assert reserve(connection) == []
    (second,) = reserve(connection, MINUTE)
    assert (second.attempts, second.doubts, second.reason_key) == (2, 1, "interrupted")
    assert not retry_queue.settle(connection, first, Settlement("sent"), NOW)
    assert not retry_queue.release(connection, first, NOW)
    assert retry_queue.settle(connection, second, Settlement("sent"), NOW)


def test_what_was_not_sent_is_no_attempt_and_is_due_as_before(connection: Connection) -> None:
    put(connection)
    (before,) = rows(connection)
    (item,) = reserve(connection)
    assert retry_queue.release(connection, item, NOW)
    assert rows(connection) == [replace(before, epoch=1)]
    (item,) = reserve(connection)
    assert retry_queue.release(connection, item, NOW, NOW + MINUTE, "put off")
    (item,) = rows(connection)
    assert (item.attempts, item.next_at, item.reason) == (0, NOW + MINUTE, "put off")


def test_what_has_waited_longest_comes_first_and_of_each_target_so_many(
    connection: Connection,
) -> None:
    for minutes, target in enumerate("aabab"):
        now = NOW - minutes * MINUTE
        retry_queue.enqueue(connection, "plain", {}, now, target=target)
    # Whoever enqueues without a clock.
    retry_queue.enqueue(connection, "plain", {}, None, target="b")
    assert [item.id for item in retry_queue.due_items(connection, PLAIN, NOW, 3)] == [6, 5, 4]
    reserved = retry_queue.reserve_by_target(connection, PLAIN, NOW, 2)
    assert [(item.id, item.date) for item in reserved] == [
        (number, NOW - (number - 1) * MINUTE) for number in (5, 4, 3, 2)
    ]


def test_what_has_ended_is_forgotten_when_it_was_kept_long_enough(
    connection: Connection,
) -> None:
    put(connection)
    for item in reserve(connection):
        retry_queue.settle(connection, item, Settlement("sent"), NOW)
    put(connection)
    assert not retry_queue.forget(connection, PLAIN, NOW + 30 * DAY)
    assert retry_queue.forget(connection, PLAIN, NOW + 31 * DAY) == 1
    assert not retry_queue.forget(connection, replace(PLAIN, keep=None), NOW + 31 * DAY)
    assert [item.state for item in rows(connection)] == ["pending"]


@pytest.mark.parametrize("policy", [NOTICE_POLICY, STAFF_POLICY, WEBHOOK_POLICY, PING_POLICY])
def test_what_two_processes_died_with_is_in_doubt_if_it_is_a_mail(
    connection: Connection, policy: QueuePolicy
) -> None:
    retry_queue.enqueue(connection, policy.kinds[0], {"code": 1}, NOW)
    for number in range(3):
        now = NOW + number * policy.lease
        retry_queue.recover(connection, policy, now)
        due = retry_queue.due_items(connection, policy, now, 9)
        retry_queue.reserve(connection, policy, due, now)
    (item,) = rows(connection)
    is_mail = policy.most_doubts == 1
    expected = ("in_doubt", 2, {}) if is_mail else ("attempting", 3, {"code": 1})
    assert (item.state, item.attempts, item.payload) == expected
