"""Mark pages as due: all of them, or the articles' when what all of them depend on has changed."""

from __future__ import annotations

from sqlalchemy import Connection, delete, update

from feeds import FEED_FORMATS
from publisher import build_cache
from publisher.articles.tables import article, article_address, placed_file
from publisher.config import Settings
from publisher.database import Database
from publisher.issues.tables import issue_table
from publisher.rendering import Renderer


def mark_all_pages_due(connection: Connection) -> None:
    """Have all pages written again. No article counts as changed by it."""
    connection.execute(update(article).values(page_hash=None))
    connection.execute(update(issue_table).values(page_hash=None))
    connection.execute(update(article_address).values(written=None))
    connection.execute(delete(placed_file))
    lists = build_cache.build_cache.c.name == "lists"
    connection.execute(delete(build_cache.build_cache).where(lists))


def invalidate_articles(settings: Settings, database: Database, renderer: Renderer) -> None:
    """Have all article pages written again if what all of them show changed.

    This is the publication's settings, its templates and, in the head, the feed formats.
    """
    inputs = (
        settings.publication,
        settings.takes_requests,
        FEED_FORMATS,
        renderer.fingerprint(),
    )
    current = build_cache.hash_inputs(*inputs)
    with database.reading() as connection:
        if build_cache.cached_hash(connection, "pages") == current:
            return
    with database.writing() as connection:
        connection.execute(update(article).values(page_hash=None))
        build_cache.store_hash(connection, "pages", current)
