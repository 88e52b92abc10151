"""Fakes and samples for tests against this program. Public and stable, for any test framework.

A sample publication and article, a transport that keeps messages in memory, a timer that tests advance, and a web
server that misbehaves. The clock that stands still is `publisher.clock.FixedClock`.
"""

from publisher.testing.fakes import MemoryTransport
from publisher.testing.hostile_server import BEHAVIOURS, HostileServer, hostile_server
from publisher.testing.samples import (
    SAMPLE_NEWSLETTER,
    SAMPLE_PUBLICATION,
    SECRET,
    FakeTimer,
    make_publication,
    sample_article,
)

__all__ = ["BEHAVIOURS", "SAMPLE_NEWSLETTER", "SAMPLE_PUBLICATION", "SECRET", "FakeTimer"]
__all__ += ["HostileServer", "MemoryTransport", "hostile_server", "make_publication"]
__all__ += ["sample_article"]
