"""Bring all feeds up to date: record changed articles, write what is due, restore lost files.

A subscription document is written after its archive documents, and a feed recorded as written when all its files are:
a killed process leaves work that is done again with the same bytes.

An archive document keeps its entries once it is written (RFC 5005 section 4), with new words of those that are
revised, and without those that are withdrawn. Entries move to archive documents several at a time, so a subscription
document has between four fifths of its maximum and all of it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, update

import feeds
from feeds import FEED_FORMATS
from publisher import urls, web_files
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.files import explain_error
from publisher.log import log
from publisher.rendering import Renderer, views
from publisher.syndication import change_log, feed_documents, feed_index, feed_window, websub
from publisher.syndication.entry_builder import (
    EntryBuilder,
    issue_entries,
    mark_changed_issue_feeds,
    newsletter_title,
)
from publisher.syndication.feed_pages import FEED_LIST, FEED_STYLES, FeedPages
from publisher.syndication.feed_window import ArchiveRange, EntryRow, StoredEntry
from publisher.syndication.tables import feed as feed_table

# At least this share of a full document moves: of 20 entries the newest 16 stay, and archive documents have 4.
_SMALLEST_SHARE = 5


def count_fitting(sizes: Sequence[int], most: int, most_bytes: int) -> int:
    """Return how many entries fit into a document, newest first. One larger than `most_bytes` is free, or would push out others."""
    total = 0
    for number, size in enumerate(sizes[:most]):
        total += size if size <= most_bytes else 0
        if total > most_bytes:
            return number
    return min(len(sizes), most)


def count_leaving(count: int, fit: int) -> int:
    """Return how many of `count` entries move, oldest first, if the newest `fit` may stay."""
    surplus = count - fit
    if surplus <= 0:
        return 0
    smallest = max(1, fit // _SMALLEST_SHARE)
    return max(surplus, min(smallest, count - 1))


def split_evenly(count: int, most: int) -> list[int]:
    """Return the numbers of entries of archive documents: at most `most` each, nearly equal."""
    if not count:
        return []
    documents = -(-count // most)
    size, larger = divmod(count, documents)
    return [size + 1] * larger + [size] * (documents - larger)


def split_by_size(sizes: Sequence[int], most_bytes: int) -> list[int]:
    """Return how many consecutive entries fit each document of `most_bytes`; a larger entry has a document of its own."""
    counts: list[int] = []
    total = 0
    for size in sizes:
        if counts and total + size <= most_bytes:
            counts[-1] += 1
            total += size
        else:
            counts.append(1)
            total = size
    return counts


# Of an entry in addition to its texts: elements, addresses, names, translations.
ENTRY_OVERHEAD_BYTES = 2_000
_MAX_IN_PROGRESS = 4  # feeds whose files are written while the next one is rendered


@dataclass(frozen=True, slots=True)
class _InProgress:
    """A feed whose files are being written."""

    feed: feed_index.Feed
    files: Sequence[feed_documents.FeedFile]
    writing: Sequence[Future[bool]]


@dataclass
class FeedWriter:
    """Write feeds in one run, and count what changed."""

    settings: Settings
    database: Database
    builder: EntryBuilder
    pages: FeedPages
    executor: Executor
    now: datetime
    # Feeds whose documents are different from those that were announced before.
    changed: int = 0
    _problems: list[str] = field(default_factory=list)
    # Called where the run may be stopped: it raises then, and the next run writes the same.
    _stop_here: Callable[[], object] = lambda: None

    @property
    def problems(self) -> list[str]:
        return self.builder.problems + self._problems

    def write(
        self,
        due: Sequence[feed_index.Feed],
        progress: Callable[[int, int], object] = lambda _done, _of: None,
    ) -> None:
        in_progress: list[_InProgress] = []
        for number, one in enumerate(due):
            self._stop_here = partial(progress, number, len(due))
            self._stop_here()
            try:
                self._rewrite_archives(one)
                if one.due:
                    in_progress.append(self._start(one))
            except Exception as error:  # noqa: BLE001  # logged by `_report`
                self._report(one, error)
            if len(in_progress) >= _MAX_IN_PROGRESS:
                self._finish(in_progress.pop(0))
        for rest in in_progress:
            self._finish(rest)

    def _report(self, one: feed_index.Feed, error: Exception) -> None:
        """Hold one feed back; raise what would meet the next one, too."""
        is_expected = isinstance(error, RenderingError | feeds.FeedsError | OSError)
        if not is_expected and stops_all(error):
            raise error
        folder = self.settings.folders.public
        reason = explain_error(error, folder) if is_expected else explain_fault(error)
        self._problems.append(f"feeds/{one.name}: {reason}")
        log.error(
            "feed not written; the old one stays",
            feed=one.name,
            reason=reason,
            exc_info=not is_expected,
        )

    def _start(self, one: feed_index.Feed) -> _InProgress:
        if one.kind == "issues":
            with self.database.reading() as connection:
                issues = issue_entries(
                    connection, self.settings, self.builder.renderer, one, self.now
                )
                return self._render(one, list(issues))
        entries = self._archive_surplus(one)
        with self.database.reading() as connection:
            gone = feed_window.withdrawals_from(connection, one.id)
            newest = feed_window.newest_archive(connection, one.id)
        feed_documents.remove_unrecorded_archives(self.settings, one.name, newest.number)
        entries += self.builder.build_withdrawn(gone, newest.last, self.now)
        return self._render(one, entries, [each.tombstone for each in gone], newest.number)

    def _render(
        self,
        one: feed_index.Feed,
        entries: Sequence[feeds.Entry],
        tombstones: Sequence[feeds.Tombstone] = (),
        newest_archive: int = 0,
    ) -> _InProgress:
        channel = feed_documents.subscription_channel(
            self.settings,
            one,
            entries,
            tombstones,
            newest_archive,
            self.pages.note(one, entries),
        )
        files = list(feed_documents.render_subscription(channel, one))
        submit = partial(feed_documents.submit_feed_file, self.executor, self.settings)
        return _InProgress(one, files, [submit(file) for file in files])

    def _finish(self, one: _InProgress) -> None:
        """Wait for a feed's files, then record it as written and queue pings of what differs from what was last announced."""
        try:
            for future in one.writing:
                future.result()
            self.pages.write_feed_page(one.feed)
        except Exception as error:  # noqa: BLE001  # logged by `_report`
            self._report(one.feed, error)
            return
        hashes = [file.content_hash for file in one.files]
        announced = one.feed.announced.split()
        changed = [
            file.address
            for file, known in zip(one.files, hashes, strict=True)
            if file.address and known not in announced
        ]
        self.changed += bool(changed)
        with self.database.writing() as connection:
            here = feed_table.c.id == one.feed.id
            values = {"due": False, "announced": " ".join(hashes)}
            connection.execute(update(feed_table).where(here).values(values))
            if hubs := self.settings.feeds.hubs:
                websub.enqueue_pings(connection, hubs, changed, self.now)

    def _rewrite_archives(self, one: feed_index.Feed) -> None:
        with self.database.reading() as connection:
            due = feed_window.due_archives(connection, one.id)
        for archive in due:
            with self.database.reading() as connection:
                rows = feed_window.archived_entries(connection, one.id, archive)
            self._write_archive(one, archive, self._build(one, rows, archived=True))
        self._record(one, due)

    def _archive_surplus(self, one: feed_index.Feed) -> list[feeds.Entry]:
        limits = self.settings.feeds
        with self.database.reading() as connection:
            before = feed_window.newest_archive(connection, one.id)
            count = feed_window.count_open(connection, one.id, before.last)
            newest = feed_window.newest_entries(connection, one.id, before.last, limits.entries)
        built = self._build(one, newest)
        # Entries that could not be built need no room. They stay until they move with the others.
        fit = count_fitting([_size(entry) for entry in built], limits.entries, limits.max_bytes)
        if fit == len(built):
            fit = len(newest)
        leaving = count_leaving(count, fit)
        if leaving:
            self._archive_oldest(one, before, leaving)
        moved = {row.tag for row in newest[count - leaving :]}
        return [entry for entry in built if entry.id not in moved]

    def _archive_oldest(self, one: feed_index.Feed, before: ArchiveRange, leaving: int) -> None:
        """Write entries into archive documents, and record those when all are written: a kill must not divide the rest differently."""
        limits = self.settings.feeds
        written: list[ArchiveRange] = []
        for number in split_evenly(leaving, limits.entries):
            with self.database.reading() as connection:
                last = feed_window.nth_position(connection, one.id, before.last, number)
                portion = ArchiveRange(before.number + 1, before.last + 1, last)
                rows = feed_window.archived_entries(connection, one.id, portion)
            built = {entry.id: entry for entry in self._build(one, rows, archived=True)}
            sizes = [_size(built.get(each.tag)) for each in reversed(rows)]
            for count in split_by_size(sizes, limits.max_bytes):
                some, rows = rows[len(rows) - count :], rows[: len(rows) - count]
                before = ArchiveRange(before.number + 1, before.last + 1, some[0].position)
                entries = [built[each.tag] for each in some if each.tag in built]
                self._write_archive(one, before, entries)
                written.append(before)
        self._record(one, written)

    def _build(
        self, one: feed_index.Feed, rows: Sequence[EntryRow], *, archived: bool = False
    ) -> list[feeds.Entry]:
        full = feed_documents.has_texts(self.settings, one, archived=archived)

        def read(new: Sequence[EntryRow]) -> list[StoredEntry]:
            with self.database.reading() as connection:
                return feed_window.stored_entries(connection, new, self.now, with_texts=full)

        return self.builder.build(rows, read, full=full, archived=archived)

    def _write_archive(
        self, one: feed_index.Feed, archive: ArchiveRange, entries: Sequence[feeds.Entry]
    ) -> None:
        self._stop_here()  # a feed of a large archive takes minutes
        with self.database.reading() as connection:
            gone = feed_window.withdrawals_from(connection, one.id, archive)
        tombstones = [each.tombstone for each in gone]
        channel = feed_documents.archive_channel(
            self.settings, one, entries, tombstones, archive.number
        )
        file = feed_documents.render_archive(channel, one, archive.number)
        feed_documents.write_feed_file(self.settings, file)

    def _record(self, one: feed_index.Feed, written: Sequence[ArchiveRange]) -> None:
        if written:
            with self.database.writing() as connection:
                for archive in written:
                    feed_window.record_archive(connection, one.id, archive)


def _size(entry: feeds.Entry | None) -> int:
    if entry is None:
        return 0
    html = entry.content_html
    escapes = 3 * (html.count("<") + html.count(">")) + 4 * html.count("&")
    texts = len(html.encode()) + 2 * len(entry.summary.encode())
    return texts + escapes + ENTRY_OVERHEAD_BYTES


# Increase it when this package writes different documents from equal rows and templates.
FEEDS_VERSION = 4
# Threads that write files. Compression releases Python's lock, and writing waits for the disk.
_WRITER_THREADS = 4


def publish_feeds(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    progress: Callable[[str, int, int], object] = lambda _step, _done, _of: None,
) -> tuple[int, list[str]]:
    """Bring every feed up to date; return how many changed, and the problems. `progress` may raise to stop."""
    publication = settings.publication
    templates = renderer.fingerprint()
    with database.writing() as connection:
        feed_index.create_permanent_feeds(connection, publication)
        again = _mark_changed_settings(connection, settings, templates)
        mark_changed_issue_feeds(connection, settings, now)
    _mark_missing_files(settings, database)
    problems = list[str]()
    recording = partial(progress, "recording changes for feeds")
    change_log.record_changes(database, publication, now, problems.append, recording)
    _name_feeds(settings, database, renderer, again=again)
    with database.reading() as connection:
        due = feed_index.due_feeds(connection)
    pages = FeedPages(settings, database, renderer, now)
    with ThreadPoolExecutor(_WRITER_THREADS) as executor:
        builder = EntryBuilder(settings, renderer)
        writer = FeedWriter(settings, database, builder, pages, executor, now)
        writer.write(due, partial(progress, "writing feeds"))
    return writer.changed, problems + writer.problems + pages.write_common(templates)


def mark_all_feeds_due(connection: Connection) -> None:
    feed_index.mark_feeds_due(connection)
    feed_window.mark_archives_due(connection)
    # Of these, what is there may be another leader's, and older.
    for name in (FEED_LIST, FEED_STYLES):
        web_files.forget_hash(connection, name)


def _name_feeds(
    settings: Settings, database: Database, renderer: Renderer, *, again: bool
) -> None:
    publication = settings.publication
    with database.reading() as connection:
        nameless = feed_index.feeds_to_name(connection, again=again)
    titles = [
        renderer.feed_name(
            views.publication_view(publication, one.language),
            newsletter_title(settings, one) if one.kind == "issues" else "",
        )
        for one in nameless
    ]
    if nameless:
        with database.writing() as connection:
            for one, title in zip(nameless, titles, strict=True):
                feed_index.store_title(connection, one, title)


def _mark_changed_settings(connection: Connection, settings: Settings, templates: str) -> bool:
    """Mark what depends on changed settings and templates; return whether any did. Archive documents stay."""
    publication = settings.publication
    named = [one for one in (publication.people, publication.renamed_topics) if one]
    if _differs(connection, "feeds/languages", publication.languages, *named):
        change_log.mark_all_articles_changed(connection)
    newsletters = settings.newsletters
    inputs = (FEEDS_VERSION, FEED_FORMATS, publication, settings.feeds, newsletters, templates)
    if not _differs(connection, "feeds", *inputs):
        return False
    feed_index.mark_feeds_due(connection)
    return True


def _mark_missing_files(settings: Settings, database: Database) -> None:
    with database.reading() as connection:
        known = feed_index.feeds_in(connection, settings.publication.languages)
    names = feed_documents.feeds_missing_files(settings, known)
    public = settings.folders.public
    lost = [
        one
        for one in known
        if one.name in names
        or not (public / urls.page_file(feed_documents.subscribe_page_path(one))).is_file()
    ]
    if not lost:
        return
    with database.writing() as connection:
        feed_index.mark_feeds_due(connection, [one.id for one in lost])
        for one in lost:
            newest = feed_window.newest_archive(connection, one.id).number
            numbers = feed_documents.archives_missing_files(settings, one.name, newest)
            feed_window.mark_archives_due(connection, one.id, numbers)


def _differs(connection: Connection, name: str, *inputs: object) -> bool:
    current = web_files.hash_inputs(*inputs)
    if web_files.cached_hash(connection, name) == current:
        return False
    web_files.store_hash(connection, name, current)
    return True
