"""A database for each test, and sample subscribers."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, insert

from subscribers.lists.rows import ListPublication
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.tables import subscriber, subscribers_metadata, subscription
from tests.databases import copy_test_database, new_database

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 10, 12, tzinfo=UTC)

# Tags of any spelling, and the sample publication's languages.
TAGS = {"en": "en", "en-gb": "en", "zh-hans": "zh-Hans", "zh_cn": "zh-Hans", "ar": "ar"}
NEWSLETTERS = ("daily", "monthly", "weekly")
PUBLICATION = ListPublication(
    languages=lambda tag: TAGS.get(tag.lower()), default_language="en", newsletters=NEWSLETTERS
)


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


def digest(identity: str) -> str:
    """Return the hash of an address, as the application makes it with its key."""
    return hashlib.sha256(b"a key" + identity.encode()).hexdigest()


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


def _engine(address: Path | str) -> Engine:
    if isinstance(address, str):
        return create_engine(address)
    engine = create_engine(f"sqlite:///{address}")

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=OFF")

    return engine


@pytest.fixture(scope="session")
def tables_of_subscribers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with these tables alone, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "subscribers.db"
    engine = _engine(new_database(path))
    subscribers_metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def engine(tmp_path: Path, tables_of_subscribers: Path) -> Iterator[Engine]:
    engine = _engine(copy_test_database(tables_of_subscribers, tmp_path / "subscribers.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection
