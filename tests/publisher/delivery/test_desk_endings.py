"""Who waits at the desk is woken in time, and everybody gets home with nothing left behind."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

from publisher.delivery.ledger.claims import Claim
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.work_queue import WorkQueue
from tests.publisher.delivery.claims import claims
from tests.publisher.delivery.test_desk import DOWN, a_desk, promise
from tests.publisher.delivery.threads import LONG, Beside, ended


def is_idle(desk: WorkQueue) -> bool:
    return desk.is_idle


# --- waiting


def test_the_clerk_waits_for_as_long_as_it_says_when_nothing_happens() -> None:
    desk = a_desk()
    desk.collect()
    desk.wait(0.01)
    assert desk.collect() == ([], [])


def test_a_call_before_the_clerk_waits_is_not_missed() -> None:
    desk = WorkQueue(1, 8)
    desk.ready(0)
    desk.wait(LONG)
    assert desk.demand() == {0: 2}


def test_the_clerk_is_called_when_a_courier_is_about_to_run_out() -> None:
    desk = a_desk(prefetch=4)
    promise(desk, claims(4))
    desk.collect()
    waiting = Beside(lambda: desk.wait(LONG))
    for _ in range(4):
        desk.take(0)
        desk.report(0, ACCEPTED_OUTCOME, 0.0)
    waiting.given()
    assert desk.collect()[0]


def test_outcomes_alone_are_waited_for_together_and_not_for_long() -> None:
    desk = a_desk()
    promise(desk, claims(8))
    desk.collect()
    waiting = Beside(lambda: desk.wait(LONG))
    desk.take(0)
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    waiting.given()
    assert len(desk.collect()[0]) == 1


# --- going home


def test_who_waits_for_work_is_sent_home() -> None:
    desk = a_desk(3)
    waiting = [Beside(partial(desk.take, number)) for number in range(3)]
    desk.close()
    assert [one.given() for one in waiting] == [None] * 3


def test_what_was_not_begun_comes_back_when_all_go_home() -> None:
    desk, some = a_desk(), claims(3)
    promise(desk, some)
    desk.take(0)
    desk.close()
    assert desk.next_message(0) is None
    assert desk.take(0) is None
    assert desk.collect() == ([], some[1:])


def test_what_was_begun_is_reported_by_those_who_go_home() -> None:
    desk, (claim,) = a_desk(), claims(1)
    promise(desk, [claim])
    desk.take(0)
    desk.close()
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    assert desk.collect() == ([(claim, ACCEPTED_OUTCOME)], [])


def test_who_rests_is_woken_to_go_home() -> None:
    desk = a_desk()
    resting = Beside(lambda: desk.rest(0, LONG * 100))
    desk.close()
    assert resting.given() is False
    assert desk.rest(0, LONG * 100) is False


def test_who_has_rested_goes_on() -> None:
    assert a_desk().rest(0, 0.0) is True
    assert a_desk().rest(0, 0.01) is True


def test_a_desk_is_idle_when_nothing_is_promised_begun_or_untold() -> None:
    desk, (claim,) = a_desk(), claims(1)
    assert is_idle(desk)
    promise(desk, [claim])
    assert not is_idle(desk)
    desk.take(0)
    assert not is_idle(desk)
    desk.report(0, ACCEPTED_OUTCOME, 0.0)
    assert not is_idle(desk)
    desk.collect()
    assert is_idle(desk)


def test_what_came_back_is_not_idle() -> None:
    desk = a_desk()
    promise(desk, claims(1))
    desk.give_back(0)
    assert not is_idle(desk)
    desk.collect()
    assert is_idle(desk)


def test_a_desk_knows_how_many_it_is_for() -> None:
    assert WorkQueue(5, 1).size == 5


# --- all at once


def test_with_many_couriers_at_work_everything_is_reported_exactly_once() -> None:
    couriers, rows = 6, 3_000
    desk = WorkQueue(couriers, 8)
    seen: Counter[Claim] = Counter()
    returned: list[Claim] = []
    to_come = claims(rows)

    def work(number: int) -> None:
        desk.ready(number)
        count = 0
        while claim := desk.take(number):
            count += 1
            if count % 50 == 0:
                desk.give_back(number, DOWN)
                desk.ready(number)
            elif count % 51 == 0:
                desk.return_one(number)
            else:
                desk.report(number, Outcome(SendStatus.ACCEPTED, str(claim.reader.id)), 1e-6)

    threads = [threading.Thread(target=work, args=[n], daemon=True) for n in range(couriers)]
    with ended(*threads):
        while len(seen) < rows:
            desk.wait(LONG)
            results, unbegun = desk.collect()
            for claim, outcome in results:
                assert outcome.reason == str(claim.reader.id)
                seen[claim] += 1
            returned += unbegun
            to_come += unbegun
            portions = {}
            for number, count in desk.demand().items():
                portions[number], to_come = to_come[:count], to_come[count:]
            to_come += desk.hand_out(portions)
        assert is_idle(desk)
        desk.close()
    assert set(seen.values()) == {1}
    assert {claim.reader.id for claim in seen} == set(range(1, rows + 1))
    assert returned
    assert desk.collect() == ([], [])
