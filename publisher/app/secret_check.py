"""Refuse to work with another secret than the one that the database was used with.

Another machine may have another one, or a shell that lacks the service's `PUBLISHER_SECRET`; and a file
`var/secret` may be lost.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from publisher.database import open_database
from publisher.errors import ConfigError
from publisher.secret_fingerprint import fingerprint, store_fingerprint, stored_fingerprint
from publisher.secret_key import has_secret, load_secret, secret_place

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.config import Settings
    from publisher.database import Database


def require_same_secret(settings: Settings, database: Database, *, record: bool = True) -> None:
    """Raise ConfigError if the database was used with another secret.

    The first secret that is used is recorded, unless the database is only read.
    """
    with database.reading() as connection:
        known = stored_fingerprint(connection)
    if known is None and record:
        known = _record(settings, database)
    if known is not None and not _matches(settings, known):
        raise ConfigError(*secret_place(settings), _problem(settings, database), _REMEDY)


def adopt_secret(settings: Settings, now: datetime) -> bool:
    """Record this machine's secret as that of the publication. Return whether it is another one."""
    ours = fingerprint(load_secret(settings))
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        known = stored_fingerprint(connection)
        is_other = known is not None and known != ours
        if known != ours:
            store_fingerprint(connection, ours, now if is_other else None)
    return is_other


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
    # The file that was asked for, not a copy of it that is looked into.
    name = database.name if database.path is None else settings.database
    return (
        f"{which} with which {name} was used: links in mails would lead nowhere, and a mail "
        "that is sent again would have another Message-ID"
    )


_REMEDY = (
    "set PUBLISHER_SECRET to that of the service and of the other machines, or copy var/secret from them or from "
    "a backup; if it was changed on purpose: publisher database adopt-secret"
)
