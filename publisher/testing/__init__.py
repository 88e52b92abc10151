"""Fakes and samples for whoever tests against this program: public, and kept stable.

A publication folder in a line, an article with only what matters said, a transport that keeps
messages in memory, a timer that is moved by hand, and a mail server that misbehaves on demand.
The clock that stands still is `publisher.clock.FixedClock`. Knows no test framework.

Two are imported only when their name is asked for: `MailServer` is made of aiosmtpd, which the
program itself never needs (it comes with the extra `testing`), and `MemoryTransport` brings all of
delivery along.
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
    "Received",
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
    from publisher.testing.servers import MailServer
else:
    LATER = {
        "MailServer": "publisher.testing.servers",
        "MemoryTransport": "publisher.testing.memory",
    }

    def __getattr__(name: str) -> Any:
        if name not in LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(LATER[name]), name)
