from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.rates.throttle import MIN_RATE, Throttle, tighten

NOW = 1_800_000_000.0


def test_a_complaint_halves_the_rate() -> None:
    assert tighten(None, 100, None, NOW) == Throttle(50, NOW, 100)


def test_the_measured_rate_is_halved_if_the_limit_was_not_reached() -> None:
    assert tighten(None, 1000, 40, NOW) == Throttle(20, NOW, 1000)
    assert tighten(None, 10, 40, NOW) == Throttle(5, NOW, 10)


def test_without_a_limit_the_measured_rate_is_halved() -> None:
    assert tighten(None, None, 40, NOW) == Throttle(20, NOW, 40)
    assert tighten(None, None, None, NOW) == Throttle(0.5, NOW, 1)


def test_repeated_complaints_slow_down_to_one_mail_in_ten_seconds() -> None:
    one, paces = tighten(None, 100, None, NOW), []
    for number in range(1, 20):
        one = tighten(one, 100, None, NOW + 11 * number)
        paces.append(one.per_second)
    assert paces == sorted(paces, reverse=True)
    assert paces[-1] == MIN_RATE == 0.1
    assert one.target == 100


def test_a_slower_limit_of_the_settings_is_left_as_it_is() -> None:
    one = tighten(None, 0.01, None, NOW)
    assert (one.per_second, one.target) == (0.01, 0.01)
    assert one.is_over(NOW)


def test_each_quiet_minute_adds_a_quarter_until_the_target() -> None:
    one = Throttle(50, NOW, 100)
    assert one.at(NOW) == 50
    assert one.at(NOW + 60) == pytest.approx(62.5)
    assert one.at(NOW + 120) == pytest.approx(78.125)
    assert not one.is_over(NOW + 180)
    assert one.is_over(NOW + 240)
    assert one.at(NOW + 240) == one.at(NOW + 1e9) == 100


def test_a_recovered_throttle_starts_again_from_the_settings() -> None:
    over = Throttle(50, NOW, 100)
    assert tighten(over, 400, None, NOW + 3600) == Throttle(200, NOW + 3600, 400)


def test_a_recovering_rate_is_halved_from_its_present_value() -> None:
    again = tighten(Throttle(50, NOW, 100), 100, None, NOW + 60)
    assert again.per_second == pytest.approx(31.25)


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
        one = tighten(one, bound, measured, now)
        assert 0 < one.per_second <= one.target
        assert before is None or one.at(now) <= before
        assert one.per_second >= min(MIN_RATE, before or MIN_RATE) * 0.999
