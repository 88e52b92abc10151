"""Fakes and samples for tests against this program. Public and stable, for any test framework.

A sample publication and article, a transport that keeps messages in memory, a timer that tests
advance, a mail server whose errors a test can choose, a source that shows only its newest items, and a
PostgreSQL server. The clock that stands still is `publisher.clock.FixedClock`.

Some names are imported on first use: `MailServer` needs aiosmtpd, which only the extra `testing`
installs, `MemoryTransport` imports all of delivery, `RecentItemsSource` the parsers, and
`PostgresServer` SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from publisher.testing.behaviour import (
    Action,
    Behaviour,
    Drop,
    Fault,
    Moment,
    Phase,
    Reply,
    Stall,
    addressed,
    always,
    every,
    first,
)
from publisher.testing.samples import (
    SAMPLE_NEWSLETTER,
    SAMPLE_PUBLICATION,
    SECRET,
    make_publication,
    sample_article,
)
from publisher.testing.server_record import Received
from publisher.testing.timers import FakeTimer

__all__ = [
    "RECENT_ITEMS",
    "SAMPLE_NEWSLETTER",
    "SAMPLE_PUBLICATION",
    "SECRET",
    "Action",
    "Behaviour",
    "Drop",
    "FakeTimer",
    "Fault",
    "MailServer",
    "MemoryTransport",
    "Moment",
    "Phase",
    "PostgresDatabases",
    "PostgresServer",
    "Received",
    "RecentItemsSource",
    "Reply",
    "Stall",
    "addressed",
    "always",
    "every",
    "first",
    "make_publication",
    "sample_article",
]

if TYPE_CHECKING:
    from publisher.testing.memory import MemoryTransport
    from publisher.testing.postgres_server import PostgresDatabases, PostgresServer
    from publisher.testing.servers import MailServer
    from publisher.testing.sources import RECENT_ITEMS, RecentItemsSource
else:
    _LATER = {
        "MailServer": "publisher.testing.servers",
        "MemoryTransport": "publisher.testing.memory",
        "PostgresDatabases": "publisher.testing.postgres_server",
        "PostgresServer": "publisher.testing.postgres_server",
        "RECENT_ITEMS": "publisher.testing.sources",
        "RecentItemsSource": "publisher.testing.sources",
    }

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATER[name]), name)
