"""The items that have no article because of an error, with the reasons. Imports no parser."""

from __future__ import annotations

from sqlalchemy import Connection, select

from publisher.ingest.tables import source_item


def quarantined_items(connection: Connection) -> list[tuple[str, str]]:
    """Return the keys of items in quarantine, with the reasons."""
    query = select(source_item.c.key, source_item.c.reason).where(
        source_item.c.reason.is_not(None)
    )
    return [(key, reason) for key, reason in connection.execute(query.order_by("key"))]
