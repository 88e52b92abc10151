from __future__ import annotations

from subscribers.model import SubscriberStatus
from tests.subscribers.conftest import a_reader


def test_subscriptions_come_in_the_order_of_their_names() -> None:
    reader = a_reader(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    assert list(reader.subscriptions.items()) == [
        ("daily", SubscriberStatus.PENDING),
        ("monthly", SubscriberStatus.UNSUBSCRIBED),
        ("weekly", SubscriberStatus.ACTIVE),
    ]


def test_a_reader_with_her_own_subscriptions_is_the_same() -> None:
    reader = a_reader(newsletters=("a", "b"), pending=("d",), declined=("c",))
    assert reader.with_subscriptions(reader.subscriptions) == reader
