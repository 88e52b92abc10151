"""Open what pages of the console work with: a database to read, one to write, pages and the secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.app.preview_store import PreviewStore
from publisher.app.secret_check import require_same_secret
from publisher.app.source_tests import SourceTests
from publisher.database import open_database
from publisher.rendering import Renderer
from publisher.rendering.console import ConsolePages
from publisher.request_limits import LimitKeys
from publisher.secret_key import load_secret

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.database import Database

# Seconds that a request waits for a writer of another process, before it is answered with 503. People wait
# so long for a page; an import of a list or a cycle on a busy machine writes for several seconds.
_BUSY_SECONDS = 15.0
# Seconds that a test of a source is waited for at the end. A disk that does not answer holds up nobody.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleState:
    """What pages work with. `reading` refuses changes, `writing` makes them."""

    reading: Database
    writing: Database
    pages: ConsolePages
    # Of the publication's own templates, for previews of its mails.
    renderer: Renderer
    previews: PreviewStore
    source_tests: SourceTests
    secret: str = field(repr=False)
    limits: LimitKeys = field(repr=False)


@contextmanager
def open_console_state(settings: Settings) -> Iterator[ConsoleState]:
    """Open it beside a service that runs, and close it at the end.

    Raise DatabaseError if `publisher run` has not made or upgraded the database yet.
    """
    with (
        closing(_database(settings, read_only=True)) as reading,
        closing(_database(settings, read_only=False)) as writing,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        require_same_secret(settings, reading, record=False)
        secret, source_tests = load_secret(settings), SourceTests()
        try:
            yield ConsoleState(
                reading=reading,
                writing=writing,
                pages=ConsolePages(),
                renderer=renderer,
                previews=PreviewStore(),
                source_tests=source_tests,
                secret=secret,
                limits=LimitKeys(secret),
            )
        finally:
            # They read the database, which is closed next.
            source_tests.wait(_GRACE_SECONDS)


def _database(settings: Settings, *, read_only: bool) -> Database:
    return open_database(
        settings.database, upgrade=False, busy_seconds=_BUSY_SECONDS, read_only=read_only
    )
