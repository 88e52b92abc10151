"""The items that have no article, because of an error or on purpose. Imports no parser."""

from __future__ import annotations

import json
from collections import Counter

from sqlalchemy import Connection, func, select

from publisher.ingest.tables import source_item, source_table


def quarantined_items(connection: Connection) -> list[tuple[str, str]]:
    """Return the keys of items in quarantine, with the reasons."""
    query = select(source_item.c.key, source_item.c.reason).where(
        source_item.c.reason.is_not(None)
    )
    return [(key, reason) for key, reason in connection.execute(query.order_by("key"))]


def count_left_out(connection: Connection) -> dict[str, int]:
    """Return the number of documents that are rightly no articles now, by reason."""
    table = source_item.c
    query = select(table.left_out, func.count()).where(table.left_out.is_not(None))
    return dict(connection.execute(query.group_by(table.left_out).order_by("left_out")).all())


def held_back_items(connection: Connection) -> list[tuple[str, str, str]]:
    """Return reason, key and title, if it is known, of the documents that are no articles on purpose."""
    table = source_item.c
    query = select(table.left_out, table.key, func.coalesce(table.title, ""))
    query = query.where(table.left_out.is_not(None)).order_by(table.left_out, table.key)
    return [tuple(row) for row in connection.execute(query)]


def left_out_by_name(connection: Connection) -> list[tuple[str, str, int]]:
    """Return reason, group and number of the files that are left out by their names.

    The most frequent ones come first.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for (text,) in connection.execute(select(source_table.c.left_out)):
        for reason, group, number in json.loads(text or "[]"):
            counts[reason, group] += number
    return [(reason, group, number) for (reason, group), number in counts.most_common()]
