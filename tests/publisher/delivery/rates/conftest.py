"""A real database file, and a rate limiter on it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from publisher.config.delivery import DeliverySettings
from publisher.database import Database, open_database
from publisher.delivery.rates.limiter import RateGrant, RateLimiter, rate_bucket, rate_throttle
from publisher.delivery.transports.base import Outcome
from tests.databases import copy_test_database

NOW = 1_800_000_000.0  # 2027-01-15, 08:00 UTC


@dataclass
class Post:
    """One process that sends: rates of its own, over a database that others may have open."""

    database: Database
    settings: dict[str, Any]
    transport: str = "smtp"
    rates: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.start_again()

    def start_again(self) -> None:
        """Forget what a process forgets when it ends."""
        self.rates = RateLimiter(DeliverySettings.model_validate(self.settings), self.transport)

    def ask(self, domains: list[str] | int, now: float) -> RateGrant:
        """Ask for recipients of these domains, or for so many of one."""
        asked = ["a.example"] * domains if isinstance(domains, int) else domains
        with self.database.writing() as connection:
            return self.rates.grant(connection, asked, now)

    def allowed(self, domains: list[str] | int, now: float) -> int:
        return len(self.ask(domains, now).allowed)

    def refund_quota(self, count: int, now: float) -> None:
        with self.database.writing() as connection:
            self.rates.refund_quota(connection, count, now)

    def slow_down(self, domain: str | None, now: float) -> None:
        with self.database.writing() as connection:
            self.rates.slow_down(connection, domain, now)

    def refuse(self, domains: list[str], now: float, outcome: Outcome) -> None:
        """Have messages to these domains refused for now."""
        with self.database.writing() as connection:
            for domain in domains:
                self.rates.complain(connection, domain, now, outcome)

    def tats(self) -> dict[str, float]:
        with self.database.reading() as connection:
            return {row.name: row.tat for row in connection.execute(select(rate_bucket))}

    def slowings(self) -> list[str]:
        with self.database.reading() as connection:
            return [*connection.execute(select(rate_throttle.c.name)).scalars()]


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Iterator[Database]:
    address = copy_test_database(empty_database, tmp_path / "publisher.db")
    with closing(open_database(address, "normal")) as opened:
        yield opened


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What is said to any database, but for how transactions begin."""
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SELECT pg_advisory_xact_lock")):
            said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    yield said
    event.remove(Engine, "before_cursor_execute", hear)
