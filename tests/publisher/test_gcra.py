from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from publisher.gcra import FULL, Pace, per_hour, per_second

NOW = 1_800_000_000.0

PACES = st.one_of(
    st.floats(0.01, 5000).map(per_second), st.integers(1, 1_000_000).map(per_hour)
)


def test_a_burst_is_a_second_s_or_a_minute_s_worth_and_at_least_one() -> None:
    assert per_second(50) == Pace(50, 50)
    assert per_second(0.1) == Pace(0.1, 1)
    assert per_hour(7200) == Pace(2, 120)
    assert per_hour(30) == Pace(30 / 3600, 1)


def test_a_full_bucket_has_a_burst_and_an_empty_one_nothing() -> None:
    pace = per_second(50)
    assert pace.room(FULL, NOW) == 50
    assert pace.room(pace.after(FULL, NOW, 20), NOW) == 30
    assert pace.room(pace.after(FULL, NOW, 50), NOW) == 0


def test_an_empty_bucket_fills_at_its_pace_up_to_a_burst() -> None:
    pace = per_second(50)
    empty = pace.after(FULL, NOW, 50)
    assert pace.room(empty, NOW + 0.1) == 5
    assert pace.room(empty, NOW + 1) == 50
    assert pace.room(empty, NOW + 3600) == 50


@given(PACES, st.integers(1, 200), st.floats(0, 10_000))
def test_a_message_may_go_exactly_at_the_announced_instant(
    pace: Pace, count: int, quiet: float
) -> None:
    now = NOW + quiet
    tat = pace.after(FULL, now, min(count, pace.room(FULL, now)))
    opens = max(now, pace.opens_at(tat))
    assert pace.room(tat, opens) >= 1
    if opens > now:
        assert pace.room(tat, opens - pace.interval / 2) == pace.room(tat, opens) - 1


def test_a_small_clock_correction_is_waited_for() -> None:
    pace = per_second(5)
    tat = pace.after(FULL, NOW + 0.5, 5)
    assert pace.corrected(tat, NOW) == tat


def test_a_raised_limit_counts_at_once() -> None:
    used = per_hour(1).after(FULL, NOW, 1)
    assert per_hour(3600).corrected(used, NOW) <= NOW + 60
