from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise

import pytest

from publisher.delivery.rates.admission import QUEUE_HORIZON, RateGate, RateGrant, admit
from publisher.delivery.rates.gcra import per_hour, per_second
from publisher.delivery.rates.limits import RateLimit, RateScope
from publisher.delivery.rates.throttle import Throttle
from publisher.delivery.rates.warmup import DailyQuota

NOW = 1_800_000_000.0
FIVE = RateLimit("slow", per_second(5), "a.example: 5 a second")


def gates(now: float = NOW, **limits: RateLimit) -> dict[RateScope, RateGate]:
    """Make gates of full buckets, by the first word of each domain; the transport is `smtp`."""
    made: dict[RateScope, RateGate] = {
        f"{name}.example": RateGate([one], {}, now)
        for name, one in limits.items()
        if name != "smtp"
    }
    made[None] = RateGate([limits["smtp"]] if "smtp" in limits else [], {}, now)
    return made


def asked(scopes: Sequence[str], ahead: dict[str, float], now: float = NOW) -> RateGrant:
    """Ask at a gate whose burst has gone already."""
    shut = gates(now, a=FIVE)
    for _ in range(5):
        shut["a.example"].let_pass()
    return admit(scopes, shut, ahead, now)


def test_whom_nothing_bounds_all_may_go() -> None:
    grant = admit(["a.example", "b.example"], gates(), {}, NOW)
    assert (grant.allowed, grant.postponed, grant.held) == ([0, 1], {}, [])
    assert (grant.transport_wait, grant.reasons) == (None, ())


def test_a_domain_keeps_its_own_readers_and_nobody_elses() -> None:
    scopes = ["a.example", "b.example"] * 8
    grant = admit(scopes, gates(a=FIVE), {}, NOW)
    assert grant.allowed == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 15]
    assert list(grant.postponed) == [10, 12, 14]
    assert not grant.held
    assert grant.transport_wait is None
    assert grant.reasons == ("a.example: 5 a second",)


def test_the_transport_keeps_everybody_and_says_for_how_long() -> None:
    grant = admit(["a.example"] * 8, gates(smtp=FIVE), {}, NOW)
    assert grant.allowed == [0, 1, 2, 3, 4]
    assert grant.held == [5, 6, 7]
    assert not grant.postponed
    assert grant.transport_wait == pytest.approx(0.2)
    assert grant.reasons == ("a.example: 5 a second",)


def test_whom_her_domain_keeps_takes_no_place_of_the_transports() -> None:
    tight = RateLimit("tight", per_second(1), "a.example: 1 a second")
    scopes = ["a.example"] * 10 + ["b.example"] * 10
    grant = admit(scopes, gates(a=tight, smtp=FIVE), {}, NOW)
    assert grant.allowed == [0, 10, 11, 12, 13]
    assert list(grant.postponed) == list(range(1, 10))
    assert grant.held == list(range(14, 20))


def test_all_who_are_kept_have_instants_of_their_own_at_the_domains_pace() -> None:
    ahead: dict[str, float] = {}
    grant = asked(["a.example"] * 500, ahead)
    waits = list(grant.postponed.values())
    assert waits == pytest.approx([(n + 1) / 5 for n in range(500)], abs=1e-3)
    assert ahead["a.example"] == NOW + waits[-1]


def test_the_next_who_are_kept_come_behind_the_last() -> None:
    ahead: dict[str, float] = {}
    first = asked(["a.example"] * 500, ahead)
    second = asked(["a.example"] * 500, ahead, NOW + 1)
    assert min(second.postponed.values()) + 1 == pytest.approx(
        max(first.postponed.values()) + 0.2, abs=1e-3
    )


def test_a_queue_that_time_has_passed_over_is_forgotten() -> None:
    ahead: dict[str, float] = {}
    asked(["a.example"] * 50, ahead)
    later = asked(["a.example"], ahead, NOW + 100)
    assert later.postponed == {0: pytest.approx(0.2, abs=1e-3)}


def test_behind_the_horizon_people_are_told_to_ask_again_each_at_her_own_time() -> None:
    ahead: dict[str, float] = {}
    grant = asked(["a.example"] * 5000, ahead)
    waits = list(grant.postponed.values())
    queued, strewn = waits[:2999], waits[3000:]
    assert queued == sorted(queued)
    assert queued[-1] == pytest.approx(QUEUE_HORIZON, abs=0.3)
    assert ahead["a.example"] <= NOW + QUEUE_HORIZON
    assert all(QUEUE_HORIZON <= wait <= 2 * QUEUE_HORIZON for wait in strewn)
    assert len(set(waits)) == len(waits)
    early = sum(wait < 1.5 * QUEUE_HORIZON for wait in strewn)
    assert early == pytest.approx(len(strewn) / 2, rel=0.01)


def test_nobody_is_told_to_ask_before_anybody_can_go() -> None:
    hourly = RateLimit("hour", per_hour(1), "a.example: 1 an hour")
    ahead: dict[str, float] = {}
    grant = admit(["a.example"] * 10, gates(a=hourly), ahead, NOW)
    assert grant.allowed == [0]
    assert all(3599 < wait <= 3600 + QUEUE_HORIZON for wait in grant.postponed.values())


def test_a_queue_at_a_pace_that_grows_gets_denser() -> None:
    slowing = Throttle(0.5, NOW, 2.0)
    limit = RateLimit("slowed", per_second(0.5), "a.example: slowed to 0.5 a second", slowing)
    grant = admit(["a.example"] * 600, gates(a=limit), {}, NOW)
    waits = list(grant.postponed.values())
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps[0] == pytest.approx(2, rel=0.01)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0.5)


def test_a_day_that_is_used_up_keeps_all_until_the_next() -> None:
    day = DailyQuota(3, NOW + 7200, "warm-up: 300 a day")
    made: dict[RateScope, RateGate] = {None: RateGate([FIVE], {}, NOW, day)}
    grant = admit(["a.example"] * 5, made, {}, NOW)
    assert (grant.allowed, grant.held) == ([0, 1, 2], [3, 4])
    assert grant.transport_wait == 7200
    assert grant.reasons == ("warm-up: 300 a day",)


@pytest.mark.parametrize(("opens_in", "counts_from"), [(60, 60), (7200, 600)])
def test_places_in_a_domains_queue_count_from_when_the_transport_opens_or_is_asked_again(
    opens_in: float, counts_from: float
) -> None:
    made = gates(a=FIVE)
    made[None] = RateGate([], {}, NOW, DailyQuota(5, NOW + opens_in, "warm-up: 5 a day"))
    grant = admit(["a.example"] * 7, made, {}, NOW)
    assert grant.transport_wait == opens_in
    assert list(grant.postponed) == [5, 6]
    places = [counts_from + 0.2, counts_from + 0.4]
    assert list(grant.postponed.values()) == pytest.approx(places, abs=1e-3)
    assert grant.reasons == ("a.example: 5 a second", "warm-up: 5 a day")


def test_a_gate_tells_what_has_changed_and_nothing_else() -> None:
    gate = RateGate([FIVE, RateLimit("other", per_second(1), "")], {"slow": NOW + 0.4}, NOW)
    assert gate.changes() == {}
    gate.let_pass()
    assert gate.changes() == {
        "slow": pytest.approx(NOW + 0.6),
        "other": pytest.approx(NOW + 1),
    }


def test_a_gate_mends_what_a_clock_has_left_in_the_future() -> None:
    gate = RateGate([FIVE], {"slow": NOW + 3600}, NOW)
    assert not gate.is_open
    assert gate.changes() == {"slow": pytest.approx(NOW + 1)}


def test_a_whole_audience_of_one_domain_goes_at_its_pace_asking_in_whole_seconds() -> None:
    """Readers ask as rows of the ledger do: 500 at once, and in the second after they were told."""
    pace = RateLimit("slow", per_second(10), "")
    tats: dict[str, float] = {}
    ahead: dict[str, float] = {}
    waiting = [(0, number) for number in range(12_000)]  # twenty minutes at that pace
    now, asked_in_all, gone = 0.0, 0, 0
    while waiting:
        now = max(now + 0.05, waiting[0][0])
        some: list[int] = []
        while waiting and waiting[0][0] <= now and len(some) < 500:
            some.append(heapq.heappop(waiting)[1])
        gate = RateGate([pace], tats, NOW + now)
        made: dict[RateScope, RateGate] = {"a": gate, None: RateGate([], {}, NOW)}
        grant = admit(["a"] * len(some), made, ahead, NOW + now)
        tats |= gate.changes()
        gone += len(grant.allowed)
        asked_in_all += len(some)
        for number, wait in grant.postponed.items():
            heapq.heappush(waiting, (math.ceil(now + wait), some[number]))
    assert gone == 12_000
    assert 1150 <= now <= 1200 + QUEUE_HORIZON
    assert asked_in_all <= 4 * 12_000
