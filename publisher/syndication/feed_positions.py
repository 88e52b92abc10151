"""Where entries stand in feeds: who comes, who leaves, and what that makes due.

An open place is in the subscription document; a closed one is in an archive document, whose
bytes stay as they are unless an entry must not be there any more. Knows no article.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from publisher.database.metadata import UTCDateTime
from publisher.syndication.feed_window import last_archived_position
from publisher.syndication.tables import feed, feed_archive, feed_position


class FeedPositions:
    """The places of all feeds, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closed: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._taken: list[dict[str, Any]] = []
        # When they changed; None where only links to others did.
        self._due: dict[int, datetime | None] = {}

    def begin(self, number: int, wanted: Sequence[int], updated: datetime) -> None:
        """Give a new entry its first places."""
        for feed_id in wanted:
            self._take(feed_id, number, updated)

    def stand(
        self, number: int, wanted: Sequence[int], updated: datetime, *, revised: bool
    ) -> None:
        """See that an entry stands in the feeds wanted and in no others.

        A revised entry whose place is closed takes a new one: there is no other way for its
        readers to hear of it (RFC 5005 section 4).
        """
        held = self._held(number)
        for feed_id in wanted:
            position = held.pop(feed_id, None)
            if position is None:
                self._take(feed_id, number, updated)
            elif position > self.closed(feed_id):
                self._note_due(feed_id, updated)
            elif revised:
                self._set(feed_id, position, "revised")
                self._take(feed_id, number, updated)
        for feed_id, position in held.items():  # feeds that it belongs to no more
            if position > self.closed(feed_id):
                self._remove(feed_id, position, updated)

    def touch(self, number: int) -> None:
        """Have an entry written again where that can be; its dates stay as they are."""
        for feed_id, position in self._held(number).items():
            if position > self.closed(feed_id):
                self._due.setdefault(feed_id, None)

    def open_again(self, number: int) -> None:
        """Have the archive documents written again that an entry is in."""
        for feed_id, position in self._held(number).items():
            if position <= self.closed(feed_id):
                self._open_again(feed_id, position)
                self._due.setdefault(feed_id, None)

    def leave(self, number: int, when: datetime) -> None:
        """Take an entry out of every document that it is in, archive documents too."""
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == number, feed_position.c.standing != "gone"
        )
        for feed_id, position in self._connection.execute(query).all():
            self._set(feed_id, position, "gone")
            self._note_due(feed_id, when)
            if position <= self.closed(feed_id):
                self._open_again(feed_id, position)

    def flush(self) -> None:
        """Store the places that were taken: all at once, since an archive has many."""
        if self._taken:
            self._connection.execute(insert(feed_position), self._taken)
            self._taken.clear()

    def mark_due(self) -> None:
        """Record which feeds have to be written, and when they changed."""
        if not self._due:
            return
        at = bindparam("at", type_=UTCDateTime())
        later = func.coalesce(func.max(feed.c.updated_at, at), at, feed.c.updated_at)
        here = feed.c.id == bindparam("number")
        self._connection.execute(
            update(feed).where(here).values(due=True, updated_at=later),
            [{"number": number, "at": moment} for number, moment in self._due.items()],
        )
        self._due.clear()

    def closed(self, feed_id: int) -> int:
        """Give the last position of a feed that is in an archive document; 0 if none is."""
        if feed_id not in self._closed:
            self._closed[feed_id] = last_archived_position(self._connection, feed_id)
        return self._closed[feed_id]

    def _held(self, number: int) -> dict[int, int]:
        query = select(feed_position.c.feed_id, feed_position.c.position).where(
            feed_position.c.entry_id == number, feed_position.c.standing == "here"
        )
        return dict(self._connection.execute(query).all())

    def _take(self, feed_id: int, number: int, updated: datetime) -> None:
        if feed_id not in self._last:
            query = select(func.max(feed_position.c.position)).where(
                feed_position.c.feed_id == feed_id
            )
            self._last[feed_id] = self._connection.execute(query).scalar() or 0
        self._last[feed_id] += 1
        values = {"feed_id": feed_id, "position": self._last[feed_id], "entry_id": number}
        self._taken.append(values | {"standing": "here"})
        self._note_due(feed_id, updated)

    def _set(self, feed_id: int, position: int, standing: str) -> None:
        here = (feed_position.c.feed_id == feed_id) & (feed_position.c.position == position)
        self._connection.execute(update(feed_position).where(here).values(standing=standing))

    def _remove(self, feed_id: int, position: int, updated: datetime) -> None:
        here = (feed_position.c.feed_id == feed_id) & (feed_position.c.position == position)
        self._connection.execute(delete(feed_position).where(here))
        self._note_due(feed_id, updated)

    def _open_again(self, feed_id: int, position: int) -> None:
        holds = (feed_archive.c.first <= position) & (feed_archive.c.last >= position)
        here = (feed_archive.c.feed_id == feed_id) & holds
        self._connection.execute(update(feed_archive).where(here).values(due=True))

    def _note_due(self, feed_id: int, at: datetime) -> None:
        before = self._due.get(feed_id)
        self._due[feed_id] = at if before is None else max(before, at)
