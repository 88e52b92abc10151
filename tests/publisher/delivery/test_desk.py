"""What clerk and couriers lay on the desk is there for the other side, whole and once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import Unreachable
from publisher.delivery.work_queue import AHEAD, WorkQueue
from tests.publisher.delivery.claims import claims
from tests.publisher.delivery.threads import LONG, Beside

DOWN = Unreachable("the server is down")
LATER = Outcome(SendStatus.DEFERRED, "later")
NOT_SENT = Outcome(SendStatus.NOT_SENT, "the line was lost")


def a_desk(couriers: int = 1, prefetch: int = 8) -> WorkQueue:
    """Make a desk at which every courier has a connection, and is known to be quick."""
    desk = WorkQueue(couriers, prefetch)
    for number in range(couriers):
        desk.ready(number)
        desk.hand_out({number: claims(1)})
        desk.take(number)
        desk.report(number, ACCEPTED_OUTCOME, 0.0)
    desk.collect()
    return desk


def test_a_courier_of_whom_nothing_is_known_is_promised_two() -> None:
    desk = WorkQueue(2, 8)
    desk.ready(0)
    assert desk.demand() == {0: 2}
    desk.hand_out({0: claims(2)})
    assert desk.demand() == {}


def promise(desk: WorkQueue, some: Iterable[Claim], courier: int = 0) -> None:
    assert desk.hand_out({courier: list(some)}) == []


# --- promises


def test_a_courier_takes_what_it_was_promised_in_order() -> None:
    desk, some = a_desk(), claims(3)
    promise(desk, some)
    taken = []
    for _ in some:
        taken.append(desk.take(0))
        desk.report(0, ACCEPTED_OUTCOME, 0.0)
    assert taken == some
    assert desk.collect() == ([(claim, ACCEPTED_OUTCOME) for claim in some], [])


def test_a_courier_waits_until_something_is_promised() -> None:
    desk, (claim,) = a_desk(), claims(1)
    desk.collect()
    taking = Beside(lambda: desk.take(0))
    desk.wait(LONG)
    assert desk.demand() == {0: 8}
    promise(desk, [claim])
    assert taking.given() == claim


def test_each_courier_has_a_queue_of_its_own() -> None:
    desk, (ann, bob) = a_desk(2), claims(2)
    desk.hand_out({1: [ann], 0: [bob]})
    assert (desk.take(0), desk.take(1)) == (bob, ann)


def test_what_comes_next_is_known_before_it_is_taken() -> None:
    desk, (ann, bob) = a_desk(), claims(2)
    assert desk.next_message(0) is None
    promise(desk, [ann, bob])
    desk.take(0)
    assert desk.next_message(0) == bob
    assert desk.next_message(0) == desk.take(0)
    assert desk.next_message(0) is None


def test_who_has_no_connection_is_promised_nothing() -> None:
    desk, some = WorkQueue(2, 8), claims(2)
    desk.ready(1)
    assert desk.demand() == {1: 2}
    assert desk.hand_out({0: some[:1], 1: some[1:]}) == some[:1]
    assert desk.take(1) == some[1]


# --- how much is promised


def test_what_is_queued_under_way_or_not_written_down_counts_as_promised() -> None:
    desk = a_desk()
    promise(desk, claims(5))
    assert desk.demand() == {0: 3}
    desk.take(0)
    assert desk.demand() == {0: 3}
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    assert desk.demand() == {0: 3}
    desk.collect()
    assert desk.demand() == {0: 4}


def test_a_courier_that_has_enough_is_left_out() -> None:
    desk = a_desk(2, 3)
    promise(desk, claims(3))
    assert desk.demand() == {1: 3}


@pytest.mark.parametrize(
    ("seconds", "most"),
    [(0.0, 8), (AHEAD / 100, 8), (AHEAD / 5.5, 5), (AHEAD, 2), (100 * AHEAD, 2)],
)
def test_the_slower_a_courier_is_the_less_it_is_promised(seconds: float, most: int) -> None:
    desk = a_desk()
    promise(desk, claims(1))
    desk.take(0)
    desk.report(0, ACCEPTED_OUTCOME, seconds)
    desk.collect()
    assert desk.demand() == {0: most}


def test_a_courier_that_may_be_promised_one_is_never_promised_two() -> None:
    desk = a_desk(prefetch=1)
    promise(desk, claims(1))
    desk.take(0)
    desk.report(0, ACCEPTED_OUTCOME, 100 * AHEAD)
    assert desk.demand() == {}
    desk.collect()
    assert desk.demand() == {0: 1}


def test_one_slow_message_does_not_make_a_courier_slow() -> None:
    desk = a_desk()
    promise(desk, claims(2))
    for seconds in (AHEAD / 100, AHEAD / 10):
        desk.take(0)
        desk.report(0, ACCEPTED_OUTCOME, seconds)
    desk.collect()
    assert desk.demand() == {0: 8}


@pytest.mark.parametrize("prefetch", [1, 3, 8])
def test_never_more_is_marked_for_a_courier_than_it_may_be_promised(prefetch: int) -> None:
    """Whatever happens between the clerk's looks, a kill leaves no more in doubt."""
    desk = a_desk(prefetch=prefetch)
    marked: set[Claim] = set()
    number = 0
    for step in range(300):
        if step % 3 == 0:
            results, _ = desk.collect()
            marked -= {claim for claim, _ in results}
        if step % 7 == 0 and desk.next_message(0):
            desk.take(0)
            desk.report(0, ACCEPTED_OUTCOME, AHEAD / (1 + step % 20))
        count = desk.demand().get(0, 0)
        fresh = claims(count, number + 1)
        number += count
        promise(desk, fresh)
        marked |= set(fresh)
        if step % 2 == 0 and desk.next_message(0):
            desk.take(0)
            desk.report(0, ACCEPTED_OUTCOME, AHEAD / (1 + step % 20))
        assert len(marked) <= prefetch
    assert number > 100 or prefetch == 1


# --- what comes back


def test_outcomes_are_collected_once() -> None:
    desk, (claim,) = a_desk(), claims(1)
    promise(desk, [claim])
    desk.take(0)
    assert desk.collect() == ([], [])
    desk.report(0, LATER, 0.0)
    assert desk.collect() == ([(claim, LATER)], [])
    assert desk.collect() == ([], [])


def test_a_row_whose_issue_is_not_sent_any_more_comes_back_unbegun() -> None:
    desk, (ann, bob) = a_desk(), claims(2)
    promise(desk, [ann, bob])
    desk.take(0)
    desk.return_one(0)
    assert desk.collect() == ([], [ann])
    assert desk.take(0) == bob


def test_who_loses_its_connection_gives_back_all_that_was_not_reported() -> None:
    desk, (ann, bob, cyd) = a_desk(), claims(3)
    promise(desk, [ann, bob, cyd])
    desk.take(0)
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    desk.take(0)
    desk.give_back(0, DOWN)
    assert desk.demand() == {}
    assert desk.collect() == ([(ann, ACCEPTED_OUTCOME)], [bob, cyd])
    desk.ready(0)
    assert desk.demand() == {0: 8}


def test_what_comes_back_counts_as_promised_until_it_is_collected() -> None:
    desk = a_desk()
    promise(desk, claims(3))
    desk.give_back(0)
    desk.ready(0)
    assert desk.demand() == {0: 5}
    desk.collect()
    assert desk.demand() == {0: 8}


# --- troubles


def test_troubles_are_counted_until_the_other_side_answers() -> None:
    desk = a_desk(2)
    for _ in range(3):
        desk.give_back(0, DOWN)
    assert desk.troubles() == [(3, DOWN)]
    desk.ready(0)
    promise(desk, claims(2))
    desk.take(0)
    desk.report(0, NOT_SENT, 0.0)
    assert desk.troubles() == [(3, DOWN)]
    desk.take(0)
    desk.report(0, LATER, 0.0)
    assert desk.troubles() == []


def test_a_connection_that_ends_in_good_order_is_no_trouble() -> None:
    desk = a_desk()
    desk.give_back(0)
    assert desk.troubles() == []


def test_the_first_fault_is_raised_and_takes_nothing_with_it() -> None:
    desk, some = a_desk(2), claims(3)
    promise(desk, some)
    desk.take(0)
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    fault = ZeroDivisionError("a fault of the program")
    desk.broke(0, fault)
    desk.broke(1, OSError("another"))
    with pytest.raises(ZeroDivisionError):
        desk.raise_fault()
    assert desk.collect() == ([(some[0], ACCEPTED_OUTCOME)], some[1:])


def test_whose_program_has_failed_is_promised_nothing_more() -> None:
    desk = a_desk()
    promise(desk, claims(2))
    desk.broke(0, ZeroDivisionError())
    assert desk.hand_out({0: claims(1, 7)}) == claims(1, 7)
