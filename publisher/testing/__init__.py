"""Fakes and samples for tests against this program. Public and stable, for any test framework.

A sample publication and article, a transport that keeps messages in memory, a timer that tests
advance, and a source that shows only its newest items. The clock that stands still is
`publisher.clock.FixedClock`.
"""

from publisher.testing.fakes import RECENT_ITEMS, MemoryTransport, RecentItemsSource
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
    "FakeTimer",
    "MemoryTransport",
    "RecentItemsSource",
    "make_publication",
    "sample_article",
]
