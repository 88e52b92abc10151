"""The last look before a message leaves: is its issue still sent, does she still want it.

Asked once a message, by several threads, so it goes to SQLite without a detour: one prepared
statement on a connection of its own. Reads only. Knows no claim's epoch: the mark is the fence.
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

QUESTION = str(
    select(still_wanted(issue_table.c.newsletter, literal_column(":reader", Integer)))
    .where(
        issue_table.c.id == literal_column(":of", Integer),
        issue_table.c.state == IssueState.SENDING,
    )
    .compile(dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"literal_binds": True})
)


class LedgerRecheck:
    """One thread's way to look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __call__(self, claim: Claim) -> bool | None:
        """Say whether a reader still wants her mail; None: its issue is not being sent."""
        values = {"of": claim.issue_id, "reader": claim.reader.id}
        try:
            if self._connection is None:
                # Made by one thread, used by it, and closed by whoever made it go.
                self._connection = sqlite3.connect(
                    f"{self._path.as_uri()}?mode=ro",
                    uri=True,
                    isolation_level=None,
                    check_same_thread=False,
                )
            row = self._connection.execute(QUESTION, values).fetchone()
        except sqlite3.Error as error:
            raise DatabaseError(f"{self._path}: {error}") from error
        return bool(row[0]) if row else None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
