"""Bring all feeds up to date: record changed articles, write what is due, restore lost files."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from feeds import FEED_FORMATS
from publisher import build_cache, urls
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import Renderer
from publisher.syndication import change_log, feed_documents, feed_index, feed_window
from publisher.syndication.feed_index import Feed
from publisher.syndication.feed_pages import FEED_LIST, FEED_STYLES, FeedPages
from publisher.syndication.feed_writer import FeedWriter

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
    """Bring every feed up to date; return how many changed, and the problems.

    A feed that can't be rendered or written stays as it was, and the next run tries it again. `progress`
    is called with a step, how much of it is done, and of how much; it may raise to stop.
    """
    publication = settings.publication
    templates = renderer.fingerprint()
    with database.writing() as connection:
        feed_index.create_permanent_feeds(connection, publication)
        _mark_changed_settings(connection, settings, templates)
    _mark_missing_files(settings, database)
    problems = list[str]()
    recording = partial(progress, "recording changes for feeds")
    change_log.record_changes(database, publication, now, problems.append, recording)
    with database.reading() as connection:
        due = feed_index.due_feeds(connection)
    pages = FeedPages(settings, database, renderer, now)
    with ThreadPoolExecutor(_WRITER_THREADS) as executor:
        writer = FeedWriter(settings, database, renderer, pages, executor, now)
        writer.write(due, partial(progress, "writing feeds"))
    return writer.changed, problems + writer.problems + pages.write_common(templates)


def mark_all_feeds_due(connection: Connection) -> None:
    """Have all feeds written again with their archive documents, their list and their styles."""
    feed_index.mark_feeds_due(connection)
    feed_window.mark_archives_due(connection)
    # Of these, what is there may be another leader's, and older.
    for name in (FEED_LIST, FEED_STYLES):
        build_cache.forget_hash(connection, name)


def _mark_changed_settings(connection: Connection, settings: Settings, templates: str) -> None:
    """Mark what depends on settings and templates, if they changed.

    Archive documents stay as they are.
    """
    publication = settings.publication
    people = [publication.people] if publication.people else []
    if _differs(connection, "feeds/languages", publication.languages, *people):
        change_log.mark_all_articles_changed(connection)
    inputs = (FEEDS_VERSION, FEED_FORMATS, publication, settings.feeds, templates)
    if _differs(connection, "feeds", *inputs):
        feed_index.mark_feeds_due(connection)


def _mark_missing_files(settings: Settings, database: Database) -> None:
    """Mark the feeds that lack a file or their page, and then also their incomplete archives."""
    with database.reading() as connection:
        known = feed_index.feeds_in(connection, settings.publication.languages)
    names = feed_documents.feeds_missing_files(settings, [one.name for one in known])
    lost = [one for one in known if one.name in names or not _has_page(settings, one)]
    if not lost:
        return
    with database.writing() as connection:
        feed_index.mark_feeds_due(connection, [one.id for one in lost])
        for one in lost:
            newest = feed_window.newest_archive(connection, one.id).number
            numbers = feed_documents.archives_missing_files(settings, one.name, newest)
            feed_window.mark_archives_due(connection, one.id, numbers)


def _has_page(settings: Settings, one: Feed) -> bool:
    page = urls.page_file(feed_documents.subscribe_page_path(one))
    return (settings.folders.public / page).is_file()


def _differs(connection: Connection, name: str, *inputs: object) -> bool:
    current = build_cache.hash_inputs(*inputs)
    if build_cache.cached_hash(connection, name) == current:
        return False
    build_cache.store_hash(connection, name, current)
    return True
