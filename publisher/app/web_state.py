"""Open what subscribers' pages work with: database, writer, renderer and secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.app.secret_check import require_same_secret
from publisher.database import open_database
from publisher.database.writer import Writer
from publisher.rendering import Renderer
from publisher.request_limits import LimitKeys
from publisher.secret_key import load_secret
from publisher.serving import wait_for

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.database import Database

# Seconds that a request waits for a writer of another process, before it is answered with 503.
_BUSY_SECONDS = 5.0


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
    """Open it beside a service that runs, and close it at the end.

    Raise DatabaseError if `publisher run` has not made or upgraded the database yet.
    """
    with (
        closing(_open(settings, read_only=True)) as database,
        closing(_open(settings, read_only=False)) as written,
        closing(Writer(written, wait_for=wait_for)) as writer,
        closing(Renderer(settings.folders.templates)) as renderer,
    ):
        require_same_secret(settings, database, record=False)
        secret = load_secret(settings)
        yield WebState(database, writer, renderer, secret, LimitKeys(secret))


def _open(settings: Settings, *, read_only: bool) -> Database:
    # A subscriber's decision survives a power cut, whatever `delivery.durability` says.
    return open_database(
        settings.database, upgrade=False, busy_seconds=_BUSY_SECONDS, read_only=read_only
    )
