"""The secret that a publication's database was used with: another one is refused.

Another machine may have another one, or a shell that lacks the service's `PUBLISHER_SECRET`; and a file
`var/secret` may be lost.
"""

from contextlib import closing
from datetime import datetime

from publisher import secrets
from publisher.config import Settings
from publisher.database import Database, open_database
from publisher.errors import ConfigError


def require_same_secret(settings: Settings, database: Database, *, record: bool = True) -> None:
    """Raise ConfigError if the database was used with another secret. The first one is recorded, unless it is only read."""
    with database.reading() as connection:
        known = secrets.stored_fingerprint(connection)
    if known is None and record:
        known = _record(settings, database)
    if known is not None and not _matches(settings, known):
        raise ConfigError(
            *secrets.secret_place(settings), _problem(settings, database), _REMEDY
        )


def adopt_secret(settings: Settings, now: datetime) -> bool:
    """Record this machine's secret as that of the publication. Return whether it is another one."""
    ours = secrets.fingerprint(secrets.load_secret(settings))
    with (
        closing(open_database(settings.database)) as database,
        database.writing() as connection,
    ):
        known = secrets.stored_fingerprint(connection)
        is_other = known is not None and known != ours
        if known != ours:
            secrets.store_fingerprint(connection, ours, now if is_other else None)
    return is_other


def _record(settings: Settings, database: Database) -> str:
    ours = secrets.fingerprint(secrets.load_secret(settings))
    with database.writing() as connection:
        # Another machine may have been first.
        if (known := secrets.stored_fingerprint(connection)) is None:
            secrets.store_fingerprint(connection, ours)
        return known or ours


def _matches(settings: Settings, known: str) -> bool:
    # No secret is made for a machine that needs that of the others.
    return (
        secrets.has_secret(settings)
        and secrets.fingerprint(secrets.load_secret(settings)) == known
    )


def _problem(settings: Settings, database: Database) -> str:
    which = (
        "not the secret" if secrets.has_secret(settings) else "there is none, and there was one"
    )
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
