"""How many rows a worker holds, and when the writer is asked for more."""

from typing import Any

import pytest

from publisher.delivery.queues import WorkQueue
from publisher.delivery.transports.base import ACCEPTED_OUTCOME

ROWS: list[Any] = ["first", "second", "third", "fourth"]


def test_a_slow_worker_knows_its_next_message_before_the_last_result_is_committed() -> None:
    queue = WorkQueue(1, prefetch=8)
    queue.connected(0)
    assert queue.demand() == {0: 3}
    queue.put({0: ROWS[:3]})
    queue.take(0)
    queue.finish(0, ACCEPTED_OUTCOME, seconds=1.0)
    assert [queue.take(0), queue.peek(0)] == ROWS[1:3]
    assert queue.demand() == {}
    queue.drain()
    assert queue.demand() == {0: 1}


@pytest.mark.parametrize(
    ("seconds", "rows"), [(2.0, 3), (0.05, 3), (0.02, 5), (0.001, 8), (0.0, 8)]
)
def test_a_worker_holds_as_much_as_it_sends_in_a_tenth_of_a_second(
    seconds: float, rows: int
) -> None:
    queue = WorkQueue(1, prefetch=8)
    queue.connected(0)
    queue.put({0: ROWS[:1]})
    queue.take(0)
    queue.finish(0, ACCEPTED_OUTCOME, seconds)
    queue.drain()
    assert queue.demand() == {0: rows}


def test_no_worker_holds_more_than_the_setting_permits() -> None:
    queue = WorkQueue(1, prefetch=2)
    queue.connected(0)
    assert queue.demand() == {0: 2}
