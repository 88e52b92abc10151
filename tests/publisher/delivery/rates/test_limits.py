"""Limits, throttles and warm-ups: the rules, without a database."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.delivery import DeliverySettings, WarmupSettings
from publisher.delivery.rates import limits as rates
from publisher.delivery.rates.limiter import QUEUE_HORIZON, RateAdmission, RateGrant, admit
from publisher.request_limits import per_hour, per_second
from tests.publisher.delivery.rates.conftest import NOW

SETTINGS = DeliverySettings.model_validate(
    {
        "rate": {"per_second": 40, "per_hour": 36_000},
        "domain": [
            {"names": ["gmail.com", "googlemail.com"], "per_second": 2.5},
            {"names": ["Outlook.com"], "per_hour": 3000},
            {"names": ["icloud.com", "me.com"]},
        ],
    }
)


def test_each_limit_has_a_bucket_and_a_text() -> None:
    limits = rates.RateLimits(SETTINGS, "smtp")
    found = [
        (one.bucket, one.text)
        for scope in (None, "gmail.com", "outlook.com")
        for one in limits.fixed(scope)
    ]
    assert found == [
        ("smtp/second", "smtp: 40 a second"),
        ("smtp/hour", "smtp: 36,000 an hour"),
        ("smtp/gmail.com/second", "gmail.com: 2.5 a second"),
        ("smtp/outlook.com/hour", "outlook.com: 3,000 an hour"),
    ]


def test_domains_of_one_table_share_a_limit() -> None:
    limits = rates.RateLimits(SETTINGS, "smtp")
    assert limits.scope_of("googlemail.com") == limits.scope_of("gmail.com") == "gmail.com"
    assert limits.domains_of("icloud.com") == ("icloud.com", "me.com")
    assert limits.scope_of("example.org") == "example.org"
    assert limits.domains_of("example.org") == ("example.org",)


def test_the_tightest_limit_counts_in_the_long_run() -> None:
    limits = rates.RateLimits(SETTINGS, "smtp")
    assert limits.max_per_second(None) == 10
    assert limits.max_per_second("gmail.com") == 2.5
    assert limits.max_per_second("icloud.com") is None
    assert limits.max_per_second("example.org") is None


def test_a_throttle_is_a_limit_that_grows() -> None:
    limits, slowing = rates.RateLimits(SETTINGS, "smtp"), rates.Throttle(0.5, 1000.0, 2.5)
    found = limits.throttled("gmail.com", slowing, 1000.0)
    assert (found.bucket, found.text) == (
        "smtp/gmail.com/slowed",
        "gmail.com: slowed to 0.5 a second until 00:23 UTC",
    )
    assert (found.pace.per_second, found.pace.burst) == (0.5, 1)
    assert found.interval_at(1000.0) == 2
    assert found.interval_at(1060.0) == 1.6
    assert found.interval_at(1e9) == 0.4
    assert limits.throttled(None, slowing, 1000.0).text.startswith(
        "smtp: slowed to 0.5 a second"
    )


# --- a throttle


@pytest.mark.parametrize(
    ("before", "limit", "measured", "per_second", "target"),
    [
        (None, 100, None, 50, 100),
        # The limit was not reached, or there is none.
        (None, 1000, 40, 20, 1000),
        (None, 10, 40, 5, 10),
        (None, None, 40, 20, 40),
        (None, None, None, 0.5, 1),
        # The settings allow less than any complaint would leave.
        (None, 0.01, None, 0.01, 0.01),
        # The rate had recovered, or is recovering.
        (rates.Throttle(50, NOW - 3600, 100), 400, None, 200, 400),
        (rates.Throttle(50, NOW - 60, 100), 100, None, 31.25, 100),
    ],
)
def test_a_complaint_halves_the_present_rate(
    before: rates.Throttle | None,
    limit: float | None,
    measured: float | None,
    per_second: float,
    target: float,
) -> None:
    found = rates.tighten(before, limit, measured, NOW)
    assert found.per_second == pytest.approx(per_second)
    assert (found.since, found.target) == (NOW, target)


def test_repeated_complaints_slow_down_to_one_mail_in_ten_seconds() -> None:
    one, paces = rates.tighten(None, 100, None, NOW), []
    for number in range(1, 20):
        one = rates.tighten(one, 100, None, NOW + 11 * number)
        paces.append(one.per_second)
    assert paces == sorted(paces, reverse=True)
    assert paces[-1] == rates.MIN_RATE == 0.1
    assert one.target == 100


def test_each_quiet_minute_adds_a_quarter_until_the_target() -> None:
    one = rates.Throttle(50, NOW, 100)
    assert one.at(NOW) == 50
    assert one.at(NOW + 60) == pytest.approx(62.5)
    assert one.at(NOW + 120) == pytest.approx(78.125)
    assert not one.is_over(NOW + 180)
    assert one.is_over(NOW + 240)
    assert one.at(NOW + 240) == one.at(NOW + 1e9) == 100


@given(
    st.floats(1e-6, 1e5) | st.none(),
    st.lists(st.tuples(st.floats(0, 600), st.floats(0.5, 1e5) | st.none()), max_size=20),
)
def test_no_complaint_speeds_up_or_stops_sending(
    bound: float | None, complaints: list[tuple[float, float | None]]
) -> None:
    one, now = None, NOW
    for quiet, measured in complaints:
        now += quiet
        before = one.at(now) if one and not one.is_over(now) else bound
        one = rates.tighten(one, bound, measured, now)
        assert 0 < one.per_second <= one.target
        assert before is None or one.at(now) <= before
        assert one.per_second >= min(rates.MIN_RATE, before or rates.MIN_RATE) * 0.999


# --- a warm-up


START = date(2026, 1, 5)


def curve(**settings: float) -> WarmupSettings:
    return WarmupSettings.model_validate({"start": START} | settings)


@pytest.mark.parametrize(
    ("warmup", "days", "allowed"),
    [
        (curve(until=3000), range(5, 9), [1518, 2278, None, None]),
        # The table in the handbook.
        (
            curve(),
            (0, 1, 2, 4, 6, 9, 13, 15, 16),
            [200, 300, 450, 1012, 2278, 7688, 38923, 87578, None],
        ),
        # A day that reaches the last limit exactly is limited.
        (curve(first=100, growth=10, until=1000), (1, 2), [1000, None]),
    ],
)
def test_each_day_of_a_warm_up_allows_more_until_it_ends(
    warmup: WarmupSettings, days: Sequence[int], allowed: list[int | None]
) -> None:
    assert [rates.daily_allowance(warmup, START + timedelta(days=n)) for n in days] == allowed


@given(st.floats(1.0001, 10), st.integers(0, 1_000_000))
def test_any_day_can_be_computed(growth: float, days: int) -> None:
    found = rates.daily_allowance(curve(growth=growth), START + timedelta(days=days))
    assert found is None or 200 <= found <= 100_000


def test_days_are_in_utc() -> None:
    midnight = datetime(2026, 1, 6, tzinfo=UTC).timestamp()
    assert rates.day_of(midnight - 0.5) == START
    assert rates.day_of(midnight) == date(2026, 1, 6)
    assert rates.end_of(START) == midnight


@pytest.mark.parametrize(("gone", "left"), [(0, 300), (299, 1), (300, 0), (450, 0)])
def test_a_day_has_left_what_was_not_sent(gone: int, left: int) -> None:
    found = rates.daily_quota(300, gone, START)
    assert (found.left, found.opens_at) == (left, rates.end_of(START))
    assert found.text == "warm-up: 300 a day"


# --- who may go, and when the others ask again


FIVE = rates.RateLimit("slow", per_second(5), "a.example: 5 a second")


def gates(now: float = NOW, **limits: rates.RateLimit) -> dict[rates.RateScope, RateAdmission]:
    """Make gates of full buckets, by the first word of each domain; the transport is `smtp`."""
    made: dict[rates.RateScope, RateAdmission] = {
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
    tight = rates.RateLimit("tight", per_second(1), "a.example: 1 a second")
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
    hourly = rates.RateLimit("hour", per_hour(1), "a.example: 1 an hour")
    ahead: dict[str, float] = {}
    grant = admit(["a.example"] * 10, gates(a=hourly), ahead, NOW)
    assert grant.allowed == [0]
    assert all(3599 < wait <= 3600 + QUEUE_HORIZON for wait in grant.postponed.values())


def test_a_queue_gets_denser_while_a_throttle_recovers() -> None:
    slowing = rates.Throttle(0.5, NOW, 2.0)
    limit = rates.RateLimit(
        "slowed", per_second(0.5), "a.example: slowed to 0.5 a second", slowing
    )
    grant = admit(["a.example"] * 600, gates(a=limit), {}, NOW)
    waits = list(grant.postponed.values())
    gaps = [after - before for before, after in pairwise(waits)]
    assert gaps[0] == pytest.approx(2, rel=0.01)
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == pytest.approx(0.5)


def test_a_used_up_quota_stops_all_until_the_next_day() -> None:
    day = rates.DailyQuota(3, NOW + 7200, "warm-up: 300 a day")
    made: dict[rates.RateScope, RateAdmission] = {None: RateAdmission([FIVE], {}, NOW, day)}
    grant = admit(["a.example"] * 5, made, {}, NOW)
    assert (grant.allowed, grant.held) == ([0, 1, 2], [3, 4])
    assert grant.transport_wait == 7200
    assert grant.reasons == ("warm-up: 300 a day",)


@pytest.mark.parametrize(("opens_in", "counts_from"), [(60, 60), (7200, 600)])
def test_queued_instants_count_from_when_the_transport_opens(
    opens_in: float, counts_from: float
) -> None:
    made = gates(a=FIVE)
    made[None] = RateAdmission(
        [], {}, NOW, rates.DailyQuota(5, NOW + opens_in, "warm-up: 5 a day")
    )
    grant = admit(["a.example"] * 7, made, {}, NOW)
    assert grant.transport_wait == opens_in
    assert list(grant.postponed) == [5, 6]
    places = [counts_from + 0.2, counts_from + 0.4]
    assert list(grant.postponed.values()) == pytest.approx(places, abs=1e-3)
    assert grant.reasons == ("a.example: 5 a second", "warm-up: 5 a day")
