"""The items that have no article, because of an error or on purpose. Imports no parser."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from publisher.ingest.tables import source_item


def quarantined_items(connection: Connection) -> list[tuple[str, str]]:
    """Return the keys of items in quarantine, with the reasons."""
    query = select(source_item.c.key, source_item.c.reason).where(
        source_item.c.reason.is_not(None)
    )
    return [(key, reason) for key, reason in connection.execute(query.order_by("key"))]


def count_drafts(connection: Connection) -> int:
    """Return the number of documents that are not to be published: drafts, and expired ones."""
    table = source_item.c
    # Only documents have a hash.
    query = select(func.count()).where(
        table.article_id.is_(None), table.reason.is_(None), table.sha256 != ""
    )
    return int(connection.execute(query).scalar_one())
