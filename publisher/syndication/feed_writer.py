"""Bringing feeds up to date: whichever are due, one after the other, archives before the rest.

A subscription document is written when its archive documents are in place, and a feed is
recorded as written when all its files are: a kill at any moment means writing equal bytes
again. A feed that can't be made or written stays as it was, and the next turn tries again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import update

import feeds
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.rendering import Renderer
from publisher.syndication import archiving, channels, feed_files, feed_window, websub_queue
from publisher.syndication.channels import Contents
from publisher.syndication.entry_builder import EntryBuilder, StoredEntry
from publisher.syndication.feed_files import FeedFile
from publisher.syndication.feed_index import Feed
from publisher.syndication.feed_pages import FeedPages
from publisher.syndication.feed_window import ArchiveRange
from publisher.syndication.tables import feed as feed_table

log = structlog.get_logger()

# What an entry costs beside its texts: elements, addresses, names, translations.
ENTRY_OVERHEAD_BYTES = 2_000
# Feeds under way at once: while one is rendered, others are packed and written.
_MAX_IN_PROGRESS = 4


@dataclass(frozen=True, slots=True)
class FeedsWritten:
    """How many feeds have other documents than before, and what went wrong."""

    feeds: int
    problems: list[str]


@dataclass(frozen=True, slots=True)
class _InProgress:
    """A feed whose files are being written."""

    feed: Feed
    documents: Sequence[FeedFile]
    writing: Sequence[Future[bool]]


class FeedWriter:
    """Writes feeds, in one turn of the press."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        renderer: Renderer,
        pages: FeedPages,
        executor: Executor,
        now: datetime,
    ) -> None:
        self._settings = settings
        self._database = database
        self._maker = EntryBuilder(settings, renderer)
        self._pages = pages
        self._executor = executor
        self._now = now
        self._feeds = 0
        self._problems: list[str] = []

    @property
    def written(self) -> FeedsWritten:
        """What came of it so far."""
        return FeedsWritten(self._feeds, self._maker.problems + self._problems)

    def publish(self, due: Sequence[Feed]) -> None:
        """Bring these feeds up to date."""
        under_way: list[_InProgress] = []
        for one in due:
            try:
                under_way.append(self._start(one))
            except (RenderingError, feeds.FeedsError, OSError) as error:
                self._complain(one, error)
            if len(under_way) >= _MAX_IN_PROGRESS:
                self._finish(under_way.pop(0))
        for one_left in under_way:
            self._finish(one_left)

    def _complain(self, one: Feed, error: Exception) -> None:
        self._problems.append(f"feeds/{one.name}: {error}")
        log.error("feed left as it was", feed=one.name, reason=str(error))

    def _start(self, one: Feed) -> _InProgress:
        """Close what is to be closed, render the rest, and have it written."""
        self._renew_archives(one)
        shown = self._close(one)
        with self._database.reading() as connection:
            tombstones = feed_window.tombstones_of(connection, one.id)
            newest = feed_window.newest_archive(connection, one.id)
        feed_files.remove_unrecorded_archives(self._settings, one.name, newest.number)
        contents = Contents(tuple(shown), tuple(tombstones))
        channel = channels.subscription_channel(self._settings, one, contents, newest.number)
        found = list(feed_files.render_subscription(channel, one))
        return _InProgress(one, found, [self._write(document) for document in found])

    def _finish(self, one: _InProgress) -> None:
        """Wait for a feed's files; record it as written, and whom to tell of what changed.

        Hubs are told of what is other than they were told of last. Whether a file has changed
        just now is another question: before a kill, it may have.
        """
        try:
            for future in one.writing:
                future.result()
            self._pages.write_page(one.feed)
        except (RenderingError, OSError) as error:
            self._complain(one.feed, error)
            return
        told = one.feed.told.split()
        changed = [d.address for d in one.documents if d.address and d.digest not in told]
        self._feeds += bool(changed)
        with self._database.writing() as connection:
            here = feed_table.c.id == one.feed.id
            values = {"due": False, "told": " ".join(d.digest for d in one.documents)}
            connection.execute(update(feed_table).where(here).values(values))
            websub_queue.enqueue_pings(
                connection, self._settings.feeds.hubs, changed, self._now
            )

    def _write(self, document: FeedFile) -> Future[bool]:
        return feed_files.submit_feed_file(self._executor, self._settings, document)

    # Archives

    def _renew_archives(self, one: Feed) -> None:
        with self._database.reading() as connection:
            due = list(feed_window.due_archives(connection, one.id))
        for closed in due:
            self._archive(one, closed, self._maker.entries(self._held(one, closed)))
        self._record(one, due)

    def _close(self, one: Feed) -> list[feeds.Entry]:
        """Close what the subscription document has no room for; gives the entries that stay."""
        limits = self._settings.feeds
        with self._database.reading() as connection:
            before = feed_window.newest_archive(connection, one.id)
            count = feed_window.count_open(connection, one.id, before.last)
            newest = feed_window.newest_entries(
                connection, one.id, before.last, limits.entries, self._now
            )
        made = self._maker.entries(newest)
        sizes = [_size(made_one) for made_one in made]
        # Those that could not be made take no room, and stay until they leave with the others.
        fit = archiving.count_fitting(sizes, limits.entries, limits.max_bytes)
        if fit == len(made):
            fit = len(newest)
        leave = archiving.count_leaving(count, fit)
        if leave:
            self._archive_lots(one, before, leave)
        gone = {standing.identity.tag for standing in newest[count - leave :]}
        return [made_one for made_one in made if made_one.id not in gone]

    def _archive_lots(self, one: Feed, before: ArchiveRange, leave: int) -> None:
        """Write what leaves into archive documents, and record them when all are in place.

        Recorded one by one, a kill in between would leave the rest divided in another way.
        """
        written: list[ArchiveRange] = []
        for lot in archiving.split_evenly(leave, self._settings.feeds.entries):
            with self._database.reading() as connection:
                last = feed_window.oldest_positions(connection, one.id, before.last, lot)[-1]
            held = self._held(one, ArchiveRange(before.number + 1, before.last + 1, last))
            made = {entry_made.id: entry_made for entry_made in self._maker.entries(held)}
            sizes = [_size(made.get(standing.identity.tag)) for standing in reversed(held)]
            for count in archiving.split_by_size(sizes, self._settings.feeds.max_bytes):
                some, held = held[len(held) - count :], held[: len(held) - count]
                closed = ArchiveRange(before.number + 1, before.last + 1, some[0].position)
                entries = [made[s.identity.tag] for s in some if s.identity.tag in made]
                self._archive(one, closed, entries)
                written.append(closed)
                before = closed
        self._record(one, written)

    def _held(self, one: Feed, closed: ArchiveRange) -> list[StoredEntry]:
        with self._database.reading() as connection:
            first, last = closed.first, closed.last
            return feed_window.archived_entries(connection, one.id, first, last, self._now)

    def _archive(self, one: Feed, closed: ArchiveRange, entries: Sequence[feeds.Entry]) -> None:
        """Write an archive document; returns when it is in place."""
        with self._database.reading() as connection:
            tombstones = feed_window.tombstones_of(connection, one.id, closed)
        contents = Contents(tuple(entries), tuple(tombstones))
        channel = channels.archive_channel(self._settings, one, contents, closed.number)
        found = feed_files.render_archive(channel, one, closed.number)
        writing = [self._write(document) for document in found]
        for future in writing:
            future.result()

    def _record(self, one: Feed, written: Sequence[ArchiveRange]) -> None:
        if written:
            with self._database.writing() as connection:
                for closed in written:
                    feed_window.record_archive(connection, one.id, closed)


def _size(one: feeds.Entry | None) -> int:
    """Say what an entry takes in the format that escapes most, in bytes."""
    if one is None:
        return 0
    escaped = 3 * (one.content_html.count("<") + one.content_html.count(">"))
    escaped += 4 * one.content_html.count("&")
    texts = len(one.content_html.encode()) + 2 * len(one.summary.encode())
    return texts + escaped + ENTRY_OVERHEAD_BYTES
