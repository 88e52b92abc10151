"""Write the positions of entries in feeds, and mark the feeds and archives that this changes.

An open position is in the subscription document, an archived one in an archive document. Archive
documents are only written again if one of their entries is withdrawn or revised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from publisher.database.dialect.sql import greatest
from publisher.database.metadata import UTCDateTime
from publisher.syndication.feed_window import newest_archive
from publisher.syndication.tables import feed, feed_archive, feed_position


class FeedPositions:
    """The positions in all feeds, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._archived: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._added: list[dict[str, Any]] = []
        # By feed: when its content changed, or None if only links of an entry did.
        self._due: dict[int, datetime | None] = {}

    def add(self, entry_id: int, wanted: Sequence[int], updated: datetime) -> None:
        """Add a new entry at the end of the feeds."""
        for feed_id in wanted:
            self._append(feed_id, entry_id, updated)

    def reconcile(
        self, entry_id: int, wanted: Sequence[int], updated: datetime, *, revised: bool
    ) -> None:
        """Bring an entry into the wanted feeds, and remove its open positions in others.

        A revised entry whose position is archived gets a new position, which is how feed readers
        find the revision (RFC 5005 section 4). It leaves the archive document, which has old words.
        """
        present = self._present(entry_id)
        for feed_id in wanted:
            position = present.pop(feed_id, None)
            if position is None:
                self._append(feed_id, entry_id, updated)
            elif not self._is_archived(feed_id, position):
                self._mark_changed(feed_id, updated)
            elif revised:
                self._set_state(feed_id, position, "superseded")
                self._mark_archive(feed_id, position)
                self._append(feed_id, entry_id, updated)
        for feed_id, position in present.items():
            if not self._is_archived(feed_id, position):
                here = (feed_position.c.feed_id == feed_id) & (
                    feed_position.c.position == position
                )
                self._connection.execute(delete(feed_position).where(here))
                self._mark_changed(feed_id, updated)

    def rewrite(self, entry_id: int, *, archived: bool = False) -> None:
        """Write the documents again that contain an entry in an open or an archived position.

        Their dates stay as they are.
        """
        for feed_id, position in self._present(entry_id).items():
            if self._is_archived(feed_id, position) != archived:
                continue
            if archived:
                self._mark_archive(feed_id, position)
            else:
                self._due.setdefault(feed_id, None)

    def withdraw(self, entry_id: int, when: datetime) -> None:
        """Remove an entry from all documents, archive documents included."""
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state != "withdrawn"
        )
        for feed_id, position in self._connection.execute(query).all():
            self._set_state(feed_id, position, "withdrawn")
            self._mark_changed(feed_id, when)
            if self._is_archived(feed_id, position):
                self._mark_archive(feed_id, position)

    def flush(self) -> None:
        """Store the added positions in one statement, since the first run adds very many."""
        if self._added:
            self._connection.execute(insert(feed_position), self._added)
            self._added.clear()

    def mark_due(self) -> None:
        """Record which feeds have to be written, and when their content changed."""
        if not self._due:
            return
        at = bindparam("at", type_=UTCDateTime())
        later = func.coalesce(greatest(feed.c.updated_at, at), at, feed.c.updated_at)
        here = feed.c.id == bindparam("number")
        self._connection.execute(
            update(feed).where(here).values(due=True, updated_at=later),
            [{"number": number, "at": moment} for number, moment in self._due.items()],
        )
        self._due.clear()

    def _is_archived(self, feed_id: int, position: int) -> bool:
        if feed_id not in self._archived:
            self._archived[feed_id] = newest_archive(self._connection, feed_id).last
        return position <= self._archived[feed_id]

    def _present(self, entry_id: int) -> dict[int, int]:
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state == "present"
        )
        return dict(self._connection.execute(query).all())

    def _append(self, feed_id: int, entry_id: int, updated: datetime) -> None:
        if feed_id not in self._last:
            query = select(func.max(feed_position.c.position))
            query = query.where(feed_position.c.feed_id == feed_id)
            self._last[feed_id] = self._connection.execute(query).scalar() or 0
        self._last[feed_id] += 1
        values = {"feed_id": feed_id, "position": self._last[feed_id], "entry_id": entry_id}
        self._added.append(values | {"state": "present"})
        self._mark_changed(feed_id, updated)

    def _set_state(self, feed_id: int, position: int, state: str) -> None:
        here = (feed_position.c.feed_id == feed_id) & (feed_position.c.position == position)
        self._connection.execute(update(feed_position).where(here).values(state=state))

    def _mark_archive(self, feed_id: int, position: int) -> None:
        here = (
            (feed_archive.c.feed_id == feed_id)
            & (feed_archive.c.first <= position)
            & (feed_archive.c.last >= position)
        )
        self._connection.execute(update(feed_archive).where(here).values(due=True))

    def _mark_changed(self, feed_id: int, at: datetime) -> None:
        before = self._due.get(feed_id)
        self._due[feed_id] = at if before is None else max(before, at)
