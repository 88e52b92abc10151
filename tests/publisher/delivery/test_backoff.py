"""How long to wait before the next try: longer each time, and not all at once."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.backoff import FIRST, JITTER, LONGEST, retry_delay

ATTEMPTS = st.integers(0, 10_000)
SEEDS = st.integers(0, 2**32)


class Fixed(Random):
    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def random(self) -> float:
        return self._value


def test_each_wait_is_twice_the_last_up_to_the_longest() -> None:
    minutes = [
        retry_delay(number, Fixed(0.0)) // timedelta(minutes=1) for number in range(1, 10)
    ]
    assert minutes == [5, 10, 20, 40, 80, 160, 240, 240, 240]


def test_chance_adds_a_quarter_at_most() -> None:
    assert (
        retry_delay(1, Fixed(1.0)) == FIRST * (1 + JITTER) == timedelta(minutes=6, seconds=15)
    )
    assert retry_delay(9, Fixed(1.0)) == LONGEST * (1 + JITTER)


@given(attempts=ATTEMPTS, seed=SEEDS)
def test_a_wait_is_within_its_bounds_however_many_there_were(attempts: int, seed: int) -> None:
    assert FIRST <= retry_delay(attempts, Random(seed)) <= LONGEST * (1 + JITTER)


def test_the_same_chance_gives_the_same_wait() -> None:
    assert retry_delay(3, Random(7)) == retry_delay(3, Random(7)) != retry_delay(3, Random(8))


def test_who_was_refused_together_does_not_come_back_together() -> None:
    chance = Random(1)
    assert len({retry_delay(1, chance) for _ in range(100)}) == 100
