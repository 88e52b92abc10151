"""One turn of the feeds: what is new is noted, what is due is written, what is elsewhere named.

Knows no issue and no mail.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import Connection

from publisher import outputs, urls
from publisher.config import Settings
from publisher.database import Database
from publisher.rendering import Renderer
from publisher.syndication import arrivals, channels, documents, shelf, windows
from publisher.syndication.pages import Pages
from publisher.syndication.publishing import Publisher
from publisher.syndication.shelf import Feed

# Goes up when this package makes other documents of equal rows and templates.
FEEDS_VERSION = 1
# Packing is done outside Python's lock and writing waits for the disk.
WRITERS = 4


def syndicate(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> tuple[int, list[str]]:
    """Bring every feed up to date; gives how many changed, and what went wrong.

    A feed that can't be made or written stays as it was, and the next turn tries again.
    """
    publication = settings.publication
    look = renderer.fingerprint()
    with database.writing() as connection:
        shelf.make_standing(connection, publication)
        _mark_what_settings_change(connection, settings, look)
    _mark_what_is_lost(settings, database)
    arrivals.take_note(database, publication, now)
    with database.reading() as connection:
        due = shelf.due(connection)
    pages = Pages(settings, database, renderer, now)
    with ThreadPoolExecutor(WRITERS) as executor:
        publisher = Publisher(settings, database, renderer, pages, executor, now)
        publisher.publish(due)
    written = publisher.written
    return written.feeds, written.problems + pages.write_common(look)


def _mark_what_settings_change(connection: Connection, settings: Settings, look: str) -> None:
    """Have written again what depends on settings and templates, and looked at what on languages.

    Archive documents are closed: they stay as they are.
    """
    publication = settings.publication
    if _differs(connection, "feeds/languages", publication.languages):
        arrivals.mark_all_due(connection)
    if _differs(connection, "feeds", FEEDS_VERSION, publication, settings.feeds, look):
        shelf.mark_due(connection)


def _mark_what_is_lost(settings: Settings, database: Database) -> None:
    """Have written again the feeds that lack a file, and then also the archives that do."""
    with database.reading() as connection:
        known = shelf.every(connection, settings.publication.languages)
    names = documents.lost(settings, [one.name for one in known])
    lost = [one for one in known if one.name in names or not _has_page(settings, one)]
    if not lost:
        return
    with database.writing() as connection:
        shelf.mark_due(connection, [one.id for one in lost])
        for one in lost:
            newest = windows.newest_archive(connection, one.id).number
            numbers = documents.lost_archives(settings, one.name, newest)
            windows.mark_archives_due(connection, one.id, numbers)


def _has_page(settings: Settings, one: Feed) -> bool:
    return (settings.folders.public / urls.page_file(channels.page_path(one))).is_file()


def _differs(connection: Connection, name: str, *inputs: object) -> bool:
    made_from = outputs.fingerprint(*inputs)
    if outputs.made_from(connection, name) == made_from:
        return False
    outputs.record(connection, name, made_from)
    return True


def renew_lost(settings: Settings, database: Database) -> None:
    """Have all feeds written again, archive documents too, if the web root is gone."""
    if settings.folders.public.is_dir():
        return
    with database.writing() as connection:
        shelf.mark_due(connection)
        windows.mark_archives_due(connection)
