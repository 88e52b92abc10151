"""Store what only this process knows, although the database can't be written for a while."""

from __future__ import annotations

from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from publisher.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from publisher.database.engine import Database

log = structlog.get_logger()

Result = TypeVar("Result")
# Seconds for which it is tried, beside the wait for a lock, and between two tries.
PATIENCE: Final = 60.0
SECONDS_BETWEEN_TRIES: Final = 0.5


def store_patiently(database: Database, store: Callable[[Connection], Result]) -> Result:
    """Return what `store` returns, in a transaction that is stored. Raise DatabaseError after a minute.

    It may be called again after a commit whose answer was lost, so it must find out whether it has been done.
    """
    since = monotonic()
    while True:
        try:
            with database.writing() as connection:
                return store(connection)
        except DatabaseError as error:
            if monotonic() - since > PATIENCE:
                raise
            log.error("results can't be stored yet; it is tried again", reason=str(error))
            sleep(SECONDS_BETWEEN_TRIES)
