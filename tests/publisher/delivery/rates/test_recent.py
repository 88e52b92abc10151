from __future__ import annotations

import pytest

from publisher.delivery.rates.throttle import RecentSends

NOW = 1_800_000_000.0


def steady(
    recent: RecentSends, domain: str, seconds: int, each: int, start: float = NOW
) -> float:
    """Send so many messages each second; gives the instant of the last."""
    for second in range(seconds):
        recent.add([domain] * each, start + second)
    return start + seconds - 1


@pytest.mark.parametrize("seconds", [2, 9, 10, 11, 25, 60])
def test_a_steady_pace_is_found_however_long_it_lasts(seconds: int) -> None:
    recent = RecentSends()
    last = steady(recent, "a.example", seconds, 20)
    pace = recent.per_second(["a.example"], last)
    assert pace is not None
    assert 15 <= pace <= 40


def test_domains_are_counted_apart_and_together() -> None:
    recent = RecentSends()
    recent.add(["a.example"] * 30 + ["b.example"] * 20 + ["c.example"], NOW)
    assert recent.per_second(["a.example"], NOW) == 30
    assert recent.per_second(["a.example", "b.example"], NOW) == 50
    assert recent.per_second(None, NOW) == 51


def test_few_messages_say_nothing() -> None:
    recent = RecentSends()
    recent.add(["a.example"] * 9, NOW)
    assert recent.per_second(["a.example"], NOW) is None
    assert recent.per_second(["b.example"], NOW) is None
    recent.add(["a.example"], NOW)
    assert recent.per_second(["a.example"], NOW) == 10


def test_what_is_long_past_is_forgotten() -> None:
    recent = RecentSends()
    steady(recent, "a.example", 10, 100)
    assert recent.per_second(None, NOW + 60) is None
    recent.add(["b.example"], NOW + 60)
    assert recent.per_second(None, NOW + 60) is None


def test_a_clock_that_was_set_back_begins_anew() -> None:
    recent = RecentSends()
    steady(recent, "a.example", 10, 100)
    recent.add(["a.example"] * 20, NOW - 3600)
    assert recent.per_second(None, NOW - 3600) == 20
