"""Refuse to start with another secret than that of the machines that share the database.

A database that is a file is not shared: its secret lies beside it.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from publisher.database import open_database
from publisher.errors import ConfigError
from publisher.secret_fingerprint import fingerprint, store_fingerprint, stored_fingerprint
from publisher.secret_key import has_secret, load_secret, secret_place

if TYPE_CHECKING:
    from publisher.config import Settings
    from publisher.database import Database


def require_same_secret(settings: Settings, database: Database, *, record: bool = True) -> None:
    """Raise ConfigError if the database was used with another secret.

    The first secret that is used is recorded, unless the database is only read.
    """
    if database.path is not None:
        return
    with database.reading() as connection:
        known = stored_fingerprint(connection)
    if known is None and record:
        known = _record(settings, database)
    if known is not None and not _matches(settings, known):
        raise ConfigError(*secret_place(settings), _problem(settings, database), _REMEDY)


def adopt_secret(settings: Settings) -> bool:
    """Record this machine's secret as that of the publication. Return whether it is another one."""
    ours = fingerprint(load_secret(settings))
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        known = stored_fingerprint(connection)
        store_fingerprint(connection, ours)
    return known is not None and known != ours


def _record(settings: Settings, database: Database) -> str:
    ours = fingerprint(load_secret(settings))
    with database.writing() as connection:
        # Another machine may have been first.
        if (known := stored_fingerprint(connection)) is None:
            store_fingerprint(connection, ours)
        return known or ours


def _matches(settings: Settings, known: str) -> bool:
    # No secret is made for a machine that needs that of the others.
    return has_secret(settings) and fingerprint(load_secret(settings)) == known


def _problem(settings: Settings, database: Database) -> str:
    which = "not the secret" if has_secret(settings) else "there is none, and there was one"
    return (
        f"{which} with which {database.name} was used: links in mails would lead nowhere, and a mail "
        "that is sent again would have another Message-ID"
    )


_REMEDY = (
    "set PUBLISHER_SECRET to that of the other machines, or copy their var/secret; if it was "
    "changed on purpose: publisher database adopt-secret"
)
