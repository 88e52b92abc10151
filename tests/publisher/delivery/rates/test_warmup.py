from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.delivery import WarmupSettings
from publisher.delivery.rates.warmup import daily_allowance, daily_quota, day_of, end_of

START = date(2026, 1, 5)


def curve(**settings: float) -> WarmupSettings:
    return WarmupSettings.model_validate({"start": START} | settings)


def test_each_day_of_a_warm_up_allows_more_until_it_ends() -> None:
    warmup = curve(first=200, growth=1.5, until=3000)
    days = [daily_allowance(warmup, START + timedelta(days=n)) for n in range(9)]
    assert days == [200, 300, 450, 675, 1012, 1518, 2278, None, None]


def test_the_table_in_the_handbook_is_right() -> None:
    warmup = curve()
    days = [
        daily_allowance(warmup, START + timedelta(days=n)) for n in (0, 1, 2, 4, 6, 9, 13, 15)
    ]
    assert days == [200, 300, 450, 1012, 2278, 7688, 38923, 87578]
    assert daily_allowance(warmup, START + timedelta(days=16)) is None


def test_a_day_that_reaches_the_last_limit_exactly_is_limited() -> None:
    warmup = curve(first=100, growth=10, until=1000)
    assert daily_allowance(warmup, START + timedelta(days=1)) == 1000
    assert daily_allowance(warmup, START + timedelta(days=2)) is None


@given(st.floats(1.0001, 10), st.integers(0, 1_000_000))
def test_any_day_can_be_computed(growth: float, days: int) -> None:
    found = daily_allowance(curve(growth=growth), START + timedelta(days=days))
    assert found is None or 200 <= found <= 100_000


def test_days_are_in_utc() -> None:
    midnight = datetime(2026, 1, 6, tzinfo=UTC).timestamp()
    assert day_of(midnight - 0.5) == START
    assert day_of(midnight) == date(2026, 1, 6)
    assert end_of(START) == midnight


@pytest.mark.parametrize(("gone", "left"), [(0, 300), (299, 1), (300, 0), (450, 0)])
def test_a_day_has_left_what_was_not_sent(gone: int, left: int) -> None:
    found = daily_quota(300, gone, START)
    assert (found.left, found.opens_at) == (left, end_of(START))
    assert found.text == "warm-up: 300 a day"
