"""Fakes and samples for tests against this program. Public and stable, for any test framework.

A sample publication and article, a transport that keeps messages in memory, and a timer that tests advance. The clock
that stands still is `publisher.clock.FixedClock`.
"""

from publisher.testing.fakes import MemoryTransport
from publisher.testing.samples import (
    SAMPLE_NEWSLETTER,
    SAMPLE_PUBLICATION,
    SECRET,
    FakeTimer,
    make_publication,
    sample_article,
)

__all__ = [
    "SAMPLE_NEWSLETTER",
    "SAMPLE_PUBLICATION",
    "SECRET",
    "FakeTimer",
    "MemoryTransport",
    "make_publication",
    "sample_article",
]
