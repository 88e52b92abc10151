"""What every page gets: settings, database, writer, renderer, secret, clock and limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from publisher.web.kept_pages import KeptPages

if TYPE_CHECKING:
    from publisher.clock import Clock
    from publisher.config import Settings
    from publisher.database import Database
    from publisher.rendering import Renderer
    from publisher.request_limits import LimitKeys

_T = TypeVar("_T")


class JobRunner(Protocol):
    """Runs a job in a transaction that writes (`publisher.database.writer.Writer`)."""

    def run(self, job: Callable[[Any], _T]) -> _T:
        """Return the job's result after the commit; raise WriterUnavailableError if it is busy."""


@dataclass(frozen=True, slots=True)
class WebContext:
    """What pages work with.

    `database` is opened for reading only. `current_settings` returns those of the moment: read
    `settings` once for each request. `limits` makes keys for `publisher.request_limits`.
    """

    current_settings: Callable[[], Settings]
    database: Database
    writer: JobRunner
    renderer: Renderer
    secret: str = field(repr=False)
    clock: Clock
    limits: LimitKeys = field(repr=False)
    # Host names besides the publication's under which this server may be reached.
    hosts: frozenset[str] = frozenset()
    pages: KeptPages = field(default_factory=KeptPages)

    @property
    def settings(self) -> Settings:
        """The settings of the moment."""
        return self.current_settings()
