from __future__ import annotations

from tests.subscribers.conftest import a_subscriber


def test_subscriptions_are_sorted_by_name_and_can_be_set_again() -> None:
    person = a_subscriber(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    assert list(person.subscriptions) == ["daily", "monthly", "weekly"]
    assert person.with_subscriptions(person.subscriptions) == person
