"""Write the positions of entries in feeds, and mark the feeds and archives that this changes.

An open position is in the subscription document, an archived one in an archive document. Archive
documents are only written again if one of their entries is withdrawn or revised. Open positions are
in the order in which their entries first appeared: so an old entry that comes into a feed later is
archived before newer ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from publisher.database.dialect.sql import greatest
from publisher.database.metadata import UTCDateTime
from publisher.syndication.feed_window import newest_archive
from publisher.syndication.tables import feed, feed_archive, feed_position


class FeedPositions:
    """The positions in all feeds, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._archived: dict[int, int] = {}
        # The last position of a feed, and its entry.
        self._last: dict[int, tuple[int, int]] = {}
        self._added: list[dict[str, Any]] = []
        # Feeds that got an entry which appeared before the last one.
        self._unsorted: set[int] = set()
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

        A revised entry keeps its position. If that is archived, its archive document is written again
        with the new words: in the subscription document it would push out a newer entry, and feed
        readers that do not know it would show it as news.
        """
        present = self._present(entry_id)
        for feed_id in wanted:
            position = present.pop(feed_id, None)
            if position is None:
                self._append(feed_id, entry_id, updated)
            elif not self._is_archived(feed_id, position):
                self._mark_changed(feed_id, updated)
            elif revised:
                self._mark_archive(feed_id, position)
        for feed_id, position in present.items():
            if not self._is_archived(feed_id, position):
                self._connection.execute(delete(feed_position).where(_at(feed_id, position)))
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
                self._mark_changed(feed_id, None)

    def withdraw(self, entry_id: int, when: datetime) -> None:
        """Remove an entry from all documents, archive documents included."""
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state != "withdrawn"
        )
        for feed_id, position in self._connection.execute(query).all():
            row = update(feed_position).where(_at(feed_id, position))
            self._connection.execute(row.values(state="withdrawn"))
            self._mark_changed(feed_id, when)
            if self._is_archived(feed_id, position):
                self._mark_archive(feed_id, position)

    def flush(self) -> None:
        """Store the added positions in one statement, since the first run adds very many."""
        if self._added:
            self._connection.execute(insert(feed_position), self._added)
            self._added.clear()
        for feed_id in sorted(self._unsorted):
            self._sort_open(feed_id)
        self._unsorted.clear()

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

    def _sort_open(self, feed_id: int) -> None:
        table = feed_position.c
        here = (table.feed_id == feed_id) & (table.position > self._last_archived(feed_id))
        query = select(table.position, table.entry_id, table.state).where(here)
        rows = self._connection.execute(query.order_by(table.entry_id, table.position)).all()
        self._connection.execute(delete(feed_position).where(here))
        self._connection.execute(
            insert(feed_position),
            [
                {**row._mapping, "feed_id": feed_id, "position": at}  # noqa: SLF001  # its public name
                for at, row in zip(sorted(row.position for row in rows), rows, strict=True)
            ],
        )

    def _last_archived(self, feed_id: int) -> int:
        if feed_id not in self._archived:
            self._archived[feed_id] = newest_archive(self._connection, feed_id).last
        return self._archived[feed_id]

    def _is_archived(self, feed_id: int, position: int) -> bool:
        return position <= self._last_archived(feed_id)

    def _present(self, entry_id: int) -> dict[int, int]:
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == entry_id, feed_position.c.state == "present"
        )
        return dict(self._connection.execute(query).all())

    def _append(self, feed_id: int, entry_id: int, updated: datetime) -> None:
        if feed_id not in self._last:
            query = select(feed_position.c.position, feed_position.c.entry_id)
            query = query.where(feed_position.c.feed_id == feed_id)
            query = query.order_by(feed_position.c.position.desc()).limit(1)
            row = self._connection.execute(query).one_or_none()
            self._last[feed_id] = (row.position, row.entry_id) if row else (0, 0)
        position, newest = self._last[feed_id]
        if entry_id < newest:
            self._unsorted.add(feed_id)
        self._last[feed_id] = position + 1, max(newest, entry_id)
        values = {"feed_id": feed_id, "position": position + 1, "entry_id": entry_id}
        self._added.append(values | {"state": "present"})
        self._mark_changed(feed_id, updated)

    def _mark_archive(self, feed_id: int, position: int) -> None:
        here = (
            (feed_archive.c.feed_id == feed_id)
            & (feed_archive.c.first <= position)
            & (feed_archive.c.last >= position)
        )
        self._connection.execute(update(feed_archive).where(here).values(due=True))

    def _mark_changed(self, feed_id: int, at: datetime | None) -> None:
        moments = [one for one in (self._due.get(feed_id), at) if one is not None]
        self._due[feed_id] = max(moments, default=None)


def _at(feed_id: int, position: int) -> ColumnElement[bool]:
    return (feed_position.c.feed_id == feed_id) & (feed_position.c.position == position)
