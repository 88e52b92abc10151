"""Fakes and samples for tests against this program. Public and stable, for any test framework.

A sample publication and article, a transport that keeps messages in memory, a timer that tests
advance, a mail server whose errors a test can choose, a source that shows only its newest items, and a
PostgreSQL server. The clock that stands still is `publisher.clock.FixedClock`.

Some names are imported on first use: `MailServer` needs aiosmtpd, which only the extra `testing`
installs, `MemoryTransport` and `RecentItemsSource` import delivery and the parsers, and
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
    Received,
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
    FakeTimer,
    make_publication,
    sample_article,
)

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
    from publisher.testing.fakes import RECENT_ITEMS, MemoryTransport, RecentItemsSource
    from publisher.testing.postgres_server import PostgresDatabases, PostgresServer
    from publisher.testing.servers import MailServer
else:
    _LATER = {
        "MailServer": "publisher.testing.servers",
        "MemoryTransport": "publisher.testing.fakes",
        "PostgresDatabases": "publisher.testing.postgres_server",
        "PostgresServer": "publisher.testing.postgres_server",
        "RECENT_ITEMS": "publisher.testing.fakes",
        "RecentItemsSource": "publisher.testing.fakes",
    }

    def __getattr__(name: str) -> Any:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATER[name]), name)
