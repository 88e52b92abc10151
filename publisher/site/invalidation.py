"""Having things made again: when the web root is gone, or what all pages depend on has changed.

Only marks rows; the writing is done by the steps that always do it. Knows no page.
"""

from __future__ import annotations

from sqlalchemy import delete, update

from publisher import build_cache
from publisher.articles.tables import article, source_state
from publisher.config import Settings
from publisher.database import Database
from publisher.issues.tables import issue_table
from publisher.rendering import Renderer


def renew_lost(settings: Settings, database: Database) -> None:
    """Have everything below the web root made again if the folder is gone.

    Reading the sources again brings the pictures back; nothing counts as changed by it.
    """
    if settings.folders.public.is_dir():
        return
    with database.writing() as connection:
        connection.execute(delete(source_state))
        connection.execute(update(article).values(page_hash=None))
        connection.execute(update(issue_table).values(page_hash=None))
        connection.execute(
            delete(build_cache.output).where(build_cache.output.c.name == "lists")
        )


def invalidate_articles(settings: Settings, database: Database, renderer: Renderer) -> None:
    """Have all article pages made again when templates or the publication's words change."""
    made_from = build_cache.hash_inputs(settings.publication, renderer.fingerprint())
    with database.reading() as connection:
        if build_cache.cached_hash(connection, "pages") == made_from:
            return
    with database.writing() as connection:
        connection.execute(update(article).values(page_hash=None))
        build_cache.store_hash(connection, "pages", made_from)
