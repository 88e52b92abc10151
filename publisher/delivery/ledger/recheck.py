"""The last check before a message leaves: its issue is still sent, and it is still wanted.

It runs once per message, in several threads, so it uses SQLite directly: one prepared statement on
a connection of its own per thread. It reads only. It does not check the epoch: the state
`attempting` guards the row.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Integer, literal_column, select
from sqlalchemy.dialects import sqlite

from publisher.delivery.ledger.claims import Claim
from publisher.errors import DatabaseError
from publisher.issues.states import IssueState
from publisher.issues.tables import issue_table
from subscribers import still_wanted

_QUERY = str(
    select(still_wanted(issue_table.c.newsletter, literal_column(":subscriber", Integer)))
    .where(
        issue_table.c.id == literal_column(":of", Integer),
        issue_table.c.state == IssueState.SENDING,
    )
    .compile(dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"literal_binds": True})
)


class LedgerRecheck:
    """The check, for one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __call__(self, claim: Claim) -> bool | None:
        """Return whether the recipient still wants the mail, or None if its issue was stopped."""
        values = {"of": claim.issue_id, "subscriber": claim.recipient.id}
        try:
            if self._connection is None:
                # Opened and used by one thread, and closed by the thread that started it.
                self._connection = sqlite3.connect(
                    f"{self._path.as_uri()}?mode=ro",
                    uri=True,
                    isolation_level=None,
                    check_same_thread=False,
                )
            row = self._connection.execute(_QUERY, values).fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._path}: {error}") from error
        return bool(row[0]) if row else None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
