"""A database file for each test, and sample subscribers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, insert

from subscribers.model import Subscriber, SubscriberStatus
from subscribers.tables import subscriber, subscribers_metadata, subscription

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 10, 12, tzinfo=UTC)

# Tags of any spelling, and the sample publication's languages.
TAGS = {"en": "en", "en-gb": "en", "zh-hans": "zh-Hans", "zh_cn": "zh-Hans", "ar": "ar"}
NEWSLETTERS = ("daily", "monthly", "weekly")
PUBLICATION: dict[str, Any] = {
    "languages": lambda tag: TAGS.get(tag.lower()),
    "default_language": "en",
    "known_newsletters": NEWSLETTERS,
}


def a_subscriber(email: str = "ann@example.org", **changes: Any) -> Subscriber:
    """Return an active subscriber of the weekly, with some changes."""
    facts: dict[str, Any] = {
        "id": 0,
        "email": email.lower(),
        "address": email,
        "name": "Ann Example",
        "language": "en",
        "timezone": None,
        "newsletters": ("weekly",),
        "status": SubscriberStatus.ACTIVE,
    }
    return Subscriber(**(facts | changes))


def add(connection: Connection, *people: Subscriber) -> None:
    """Insert subscribers without the code under test."""
    for person in people:
        facts = {
            name: getattr(person, name)
            for name in ("email", "address", "name", "language", "timezone", "status")
        }
        done = connection.execute(
            insert(subscriber).values(created_at=NOW, updated_at=NOW, **facts)
        )
        (number,) = done.inserted_primary_key or (0,)
        for newsletter, status in person.subscriptions.items():
            connection.execute(
                insert(subscription).values(
                    subscriber_id=number, newsletter=newsletter, status=status, source="import"
                )
            )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'subscribers.db'}")

    @event.listens_for(engine, "connect")
    def _foreign_keys(connection: Any, _: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")

    subscribers_metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection
