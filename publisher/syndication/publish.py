"""One turn of the feeds: what is new is noted, what is due is written, what is elsewhere named.

Knows no issue and no mail.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import Connection

from publisher import build_cache, urls
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import Renderer
from publisher.syndication import change_log, channels, feed_files, feed_index, feed_window
from publisher.syndication.feed_index import Feed
from publisher.syndication.feed_pages import FeedPages
from publisher.syndication.feed_writer import FeedWriter

# Goes up when this package makes other documents of equal rows and templates.
FEEDS_VERSION = 1
# Packing is done outside Python's lock and writing waits for the disk.
_WRITER_THREADS = 4


def publish_feeds(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> tuple[int, list[str]]:
    """Bring every feed up to date; gives how many changed, and what went wrong.

    A feed that can't be made or written stays as it was, and the next turn tries again.
    """
    publication = settings.publication
    look = renderer.fingerprint()
    with database.writing() as connection:
        feed_index.create_permanent_feeds(connection, publication)
        _mark_what_settings_change(connection, settings, look)
    _mark_what_is_lost(settings, database)
    change_log.record_changes(database, publication, now)
    with database.reading() as connection:
        due = feed_index.due_feeds(connection)
    pages = FeedPages(settings, database, renderer, now)
    with ThreadPoolExecutor(_WRITER_THREADS) as executor:
        publisher = FeedWriter(settings, database, renderer, pages, executor, now)
        publisher.publish(due)
    written = publisher.written
    return written.feeds, written.problems + pages.write_common(look)


def _mark_what_settings_change(connection: Connection, settings: Settings, look: str) -> None:
    """Have written again what depends on settings and templates, and looked at what on languages.

    Archive documents are closed: they stay as they are.
    """
    publication = settings.publication
    if _differs(connection, "feeds/languages", publication.languages):
        change_log.mark_all_articles_changed(connection)
    if _differs(connection, "feeds", FEEDS_VERSION, publication, settings.feeds, look):
        feed_index.mark_feeds_due(connection)


def _mark_what_is_lost(settings: Settings, database: Database) -> None:
    """Have written again the feeds that lack a file, and then also the archives that do."""
    with database.reading() as connection:
        known = feed_index.all_feeds(connection, settings.publication.languages)
    names = feed_files.feeds_missing_files(settings, [one.name for one in known])
    lost = [one for one in known if one.name in names or not _has_page(settings, one)]
    if not lost:
        return
    with database.writing() as connection:
        feed_index.mark_feeds_due(connection, [one.id for one in lost])
        for one in lost:
            newest = feed_window.newest_archive(connection, one.id).number
            numbers = feed_files.archives_missing_files(settings, one.name, newest)
            feed_window.mark_archives_due(connection, one.id, numbers)


def _has_page(settings: Settings, one: Feed) -> bool:
    return (
        settings.folders.public / urls.page_file(channels.subscribe_page_path(one))
    ).is_file()


def _differs(connection: Connection, name: str, *inputs: object) -> bool:
    made_from = build_cache.hash_inputs(*inputs)
    if build_cache.cached_hash(connection, name) == made_from:
        return False
    build_cache.store_hash(connection, name, made_from)
    return True


def renew_lost(settings: Settings, database: Database) -> None:
    """Have all feeds written again, archive documents too, if the web root is gone."""
    if settings.folders.public.is_dir():
        return
    with database.writing() as connection:
        feed_index.mark_feeds_due(connection)
        feed_window.mark_archives_due(connection)
