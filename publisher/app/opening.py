"""Open a publication's database, which most use cases take.

Imports the database when it is opened: commands import this module, and `--help` starts fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.database import Database


def protect_state(settings: Settings) -> Settings:
    """Take from others the right to enter the folders of addresses, secrets and messages. Return the settings."""
    from publisher.files import withdraw_rights

    for folder in (settings.folders.var, settings.folders.outbox):
        # On a disk that is read-only, rights stay as they are, and nothing else can go wrong.
        with suppress(OSError):
            withdraw_rights(folder)
    return settings


@contextmanager
def open_state(settings: Settings) -> Iterator[Database]:
    """Open a publication's database: what a person decides survives a power cut. Raise ConfigError for another machine's secret."""
    from publisher.app.same_secret import require_same_secret
    from publisher.database import open_database

    with closing(open_database(settings.database)) as database:
        require_same_secret(settings, database)
        yield database
