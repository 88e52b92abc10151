from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise

import pytest

from publisher.delivery.rates.admission import QUEUE_HORIZON, RateAdmission, RateGrant, admit
from publisher.delivery.rates.limits import RateLimit, RateScope
from publisher.delivery.rates.throttle import Throttle
from publisher.delivery.rates.warmup import DailyQuota
from publisher.gcra import per_hour, per_second

NOW = 1_800_000_000.0
FIVE = RateLimit("slow", per_second(5), "a.example: 5 a second")


def gates(now: float = NOW, **limits: RateLimit) -> dict[RateScope, RateAdmission]:
    """Make gates of full buckets, by the first word of each domain; the transport is `smtp`."""
    made: dict[RateScope, RateAdmission] = {
        f"{name}.example": RateAdmission([one], {}, now)
        for name, one in limits.items()
        if name != "smtp"
    }
    made[None] = RateAdmission([limits["smtp"]] if "smtp" in limits else [], {}, now)
    return made


def asked(scopes: Sequence[str], ahead: dict[str, float], now: float = NOW) -> RateGrant:
    """Ask at a gate whose burst has gone already."""
    shut = gates(now, a=FIVE)
    for _ in range(5):
        shut["a.example"].let_pass()
    return admit(scopes, shut, ahead, now)


def test_a_recipient_stopped_by_a_domain_does_not_use_the_transport_s_room() -> None:
    tight = RateLimit("tight", per_second(1), "a.example: 1 a second")
    scopes = ["a.example"] * 10 + ["b.example"] * 10
    grant = admit(scopes, gates(a=tight, smtp=FIVE), {}, NOW)
    assert grant.allowed == [0, 10, 11, 12, 13]
    assert list(grant.postponed) == list(range(1, 10))
    assert grant.held == list(range(14, 20))


def test_stopped_recipients_get_instants_at_the_domain_s_pace() -> None:
    ahead: dict[str, float] = {}
    grant = asked(["a.example"] * 500, ahead)
    waits = list(grant.postponed.values())
    assert waits == pytest.approx([(n + 1) / 5 for n in range(500)], abs=1e-3)
    assert ahead["a.example"] == NOW + waits[-1]


def test_later_recipients_queue_behind_earlier_ones() -> None:
    ahead: dict[str, float] = {}
    first = asked(["a.example"] * 500, ahead)
    second = asked(["a.example"] * 500, ahead, NOW + 1)
    assert min(second.postponed.values()) + 1 == pytest.approx(
        max(first.postponed.values()) + 0.2, abs=1e-3
    )


def test_a_queue_in_the_past_is_dropped() -> None:
    ahead: dict[str, float] = {}
    asked(["a.example"] * 50, ahead)
    later = asked(["a.example"], ahead, NOW + 100)
    assert later.postponed == {0: pytest.approx(0.2, abs=1e-3)}


def test_recipients_behind_the_horizon_ask_again_at_spread_times() -> None:
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


def test_no_instant_is_before_the_domain_opens() -> None:
    hourly = RateLimit("hour", per_hour(1), "a.example: 1 an hour")
    ahead: dict[str, float] = {}
    grant = admit(["a.example"] * 10, gates(a=hourly), ahead, NOW)
    assert grant.allowed == [0]
    assert all(3599 < wait <= 3600 + QUEUE_HORIZON for wait in grant.postponed.values())


def test_a_queue_gets_denser_while_a_throttle_recovers() -> None:
    slowing = Throttle(0.5, NOW, 2.0)
    limit = RateLimit("slowed", per_second(0.5), "a.example: slowed to 0.5 a second", slowing)
    grant = admit(["a.example"] * 600, gates(a=limit), {}, NOW)
    waits = list(grant.postponed.values())
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps[0] == pytest.approx(2, rel=0.01)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0.5)


def test_a_used_up_quota_stops_all_until_the_next_day() -> None:
    day = DailyQuota(3, NOW + 7200, "warm-up: 300 a day")
    made: dict[RateScope, RateAdmission] = {None: RateAdmission([FIVE], {}, NOW, day)}
    grant = admit(["a.example"] * 5, made, {}, NOW)
    assert (grant.allowed, grant.held) == ([0, 1, 2], [3, 4])
    assert grant.transport_wait == 7200
    assert grant.reasons == ("warm-up: 300 a day",)


@pytest.mark.parametrize(("opens_in", "counts_from"), [(60, 60), (7200, 600)])
def test_queued_instants_count_from_when_the_transport_opens(
    opens_in: float, counts_from: float
) -> None:
    made = gates(a=FIVE)
    made[None] = RateAdmission([], {}, NOW, DailyQuota(5, NOW + opens_in, "warm-up: 5 a day"))
    grant = admit(["a.example"] * 7, made, {}, NOW)
    assert grant.transport_wait == opens_in
    assert list(grant.postponed) == [5, 6]
    places = [counts_from + 0.2, counts_from + 0.4]
    assert list(grant.postponed.values()) == pytest.approx(places, abs=1e-3)
    assert grant.reasons == ("a.example: 5 a second", "warm-up: 5 a day")


def test_a_whole_audience_of_one_domain_is_sent_at_its_pace() -> None:
    """Recipients ask as rows of the ledger do: 500 at once, in the second after their instant."""
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
        gate = RateAdmission([pace], tats, NOW + now)
        made: dict[RateScope, RateAdmission] = {"a": gate, None: RateAdmission([], {}, NOW)}
        grant = admit(["a"] * len(some), made, ahead, NOW + now)
        tats |= gate.changes()
        gone += len(grant.allowed)
        asked_in_all += len(some)
        for number, wait in grant.postponed.items():
            heapq.heappush(waiting, (math.ceil(now + wait), some[number]))
    assert gone == 12_000
    assert 1150 <= now <= 1200 + QUEUE_HORIZON
    assert asked_in_all <= 4 * 12_000
