"""Ids of rows that must never be given twice."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection


def id_of_its_own(connection: Connection) -> dict[str, int]:
    """Return an id that was never given, for a new row of a table with IDS_NEVER_REUSED.

    A server that failed over may have lost the last numbers of its sequences, while rows, files and
    processes still have them. So the id is random there. A file counts them: nothing is returned.
    """
    return {} if connection.dialect.name == "sqlite" else {"id": secrets.randbits(63)}
