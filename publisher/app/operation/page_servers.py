"""Open what servers of pages work with: databases, writer, renderer or pages, and the secret; whether they can serve."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import select

from publisher.app.issues.background_assembly import BackgroundAssembly
from publisher.app.issues.preview_pages import PreviewStore
from publisher.app.same_secret import require_same_secret
from publisher.app.source_tests import SourceTests
from publisher.config import Settings
from publisher.database import Database, open_database
from publisher.database.writer import Writer
from publisher.errors import DatabaseError
from publisher.files import find_full_disk
from publisher.log import log
from publisher.rendering import Renderer
from publisher.rendering.console import ConsolePages
from publisher.request_limits import LimitKeys
from publisher.secrets import load_secret

# Seconds that a request waits for a writer of another process, before it is answered with 503.
_PAGES_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WebState:
    """What pages work with; `database` is for reading only."""

    database: Database
    writer: Writer
    renderer: Renderer
    secret: str = field(repr=False)
    limits: LimitKeys = field(repr=False)


@contextmanager
def open_web_state(settings: Settings) -> Iterator[WebState]:
    """Open the state while a service runs. Raise DatabaseError if `publisher run` has not made or upgraded the database."""
    with (
        closing(_open(settings, _PAGES_BUSY_SECONDS, read_only=True)) as database,
        closing(_open(settings, _PAGES_BUSY_SECONDS)) as written,
        closing(Writer(written)) as writer,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        require_same_secret(settings, database, record=False)
        secret = load_secret(settings)
        yield WebState(database, writer, renderer, secret, LimitKeys(secret))


def _open(
    settings: Settings, busy_seconds: float, *, upgrade: bool = False, read_only: bool = False
) -> Database:
    # A subscriber's decision survives a power cut, whatever `delivery.durability` says.
    return open_database(
        settings.database, upgrade=upgrade, busy_seconds=busy_seconds, read_only=read_only
    )


# Seconds that a request waits for a writer of another process, before it is answered with 503. People wait
# so long for a page; an import of a list or a cycle on a busy machine writes for several seconds.
_CONSOLE_BUSY_SECONDS = 15.0
# Seconds that a test of a source is waited for at the end. A disk that does not answer holds up nobody.
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleState:
    """What pages work with. `reading` refuses changes, `writing` makes them."""

    reading: Database
    writing: Database
    pages: ConsolePages
    renderer: Renderer  # of the publication's own templates, for previews of its mails
    previews: PreviewStore
    source_tests: SourceTests
    assembly: BackgroundAssembly
    secret: str = field(repr=False)
    limits: LimitKeys = field(repr=False)


@contextmanager
def open_console_state(settings: Settings, *, upgrade: bool = False) -> Iterator[ConsoleState]:
    """Open the state while a service runs. Raise DatabaseError if the database is not made or of this version; `upgrade` does that."""
    with (
        closing(_open(settings, _CONSOLE_BUSY_SECONDS, upgrade=upgrade)) as writing,
        closing(_open(settings, _CONSOLE_BUSY_SECONDS, read_only=True)) as reading,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        require_same_secret(settings, writing, record=upgrade)
        secret, source_tests = load_secret(settings), SourceTests()
        assembly = BackgroundAssembly()
        try:
            yield ConsoleState(
                reading=reading,
                writing=writing,
                pages=ConsolePages(),
                renderer=renderer,
                previews=PreviewStore(),
                source_tests=source_tests,
                assembly=assembly,
                secret=secret,
                limits=LimitKeys(secret),
            )
        finally:
            # They read the database, which is closed next.
            assembly.wait(others=False)
            source_tests.wait(_GRACE_SECONDS)


def find_failure(database: Database, settings: Settings) -> str:
    """Return why pages can't be served, in words for anybody; empty if they can. The log has the details."""
    why, details = "the disk is full", find_full_disk(settings.folders.var)
    if details is None:
        try:
            with database.reading() as connection:
                connection.execute(select(1))
        except DatabaseError as error:
            why, details = "the database can't be read", str(error)
    if details is None:
        return ""
    log.error("pages can't be served", reason=details)
    return why
