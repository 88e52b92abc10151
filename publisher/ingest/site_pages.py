"""Store which pages a site has beside its articles, and load them to judge links.

A page is read when its file changes, for the addresses that it states. `known_pages` compares them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Text, cast, delete, insert, select

from publisher.database import Database
from publisher.database.engine import chunks
from publisher.errors import ArticleError
from publisher.ingest.known_pages import KnownPages, stated_addresses
from publisher.ingest.links import mark_links_due
from publisher.ingest.sites.base import LeftOutReason
from publisher.ingest.sources.base import Item, Listing, Source
from publisher.ingest.tables import site_page, source_item

# Documents that are not on the site either.
_ABSENT = (LeftOutReason.DRAFT, LeftOutReason.SCHEDULED, LeftOutReason.EXPIRED)
_PATTERNS = ""


def update_pages(database: Database, name: str, source: Source, listing: Listing) -> None:
    """Bring the stored pages of a source in line with a listing, and read those that changed."""
    with database.reading() as connection:
        table = site_page.c
        columns = (table.path, table.signature, cast(table.addresses, Text))
        rows = connection.execute(select(*columns).where(table.source == name))
        known = {path: (signature, addresses) for path, signature, addresses in rows}
    listed = {**listing.pages, _PATTERNS: " ".join(listing.generated)}
    gone = [path for path in known if path not in listed]
    due = {
        path: signature
        for path, signature in listed.items()
        if not signature or known.get(path, ("", ""))[0] != signature
    }
    addresses = {path: _addresses(source, path, listing.generated) for path in due}
    changed = [
        path
        for path in due
        if path not in known
        or known[path][0] != due[path]
        or json.loads(known[path][1]) != addresses[path]
    ]
    if not changed and not gone:
        return
    with database.writing() as connection:
        _replace(
            connection, name, [*gone, *changed], {one: due[one] for one in changed}, addresses
        )
        mark_links_due(connection)


def _addresses(source: Source, path: str, generated: Sequence[str]) -> list[str]:
    if path == _PATTERNS:
        return list(generated)
    try:
        content = source.read(Item(path, "")).document.content
    except ArticleError:  # its name still counts
        return []
    return stated_addresses(path, content.decode("utf-8", "replace"))


def _replace(
    connection: Connection,
    source: str,
    old: Sequence[str],
    new: Mapping[str, str],
    addresses: Mapping[str, list[str]],
) -> None:
    table = site_page.c
    for some in chunks(old):
        connection.execute(
            delete(site_page).where(table.source == source, table.path.in_(some))
        )
    rows = [
        {"source": source, "path": path, "signature": signature, "addresses": addresses[path]}
        for path, signature in new.items()
    ]
    if rows:
        connection.execute(insert(site_page), rows)


class StoredPages:
    """The pages of all sources, as they are stored."""

    def __init__(self, connection: Connection) -> None:
        addresses = cast(site_page.c.addresses, Text).label("addresses")
        query = select(site_page.c.source, site_page.c.path, addresses)
        self._pages = connection.execute(query.order_by(*site_page.primary_key.columns)).all()
        table = source_item.c
        query = select(table.source, table.key, table.left_out).where(
            table.article_id.is_(None)
        )
        self._others = connection.execute(query.order_by(table.source, table.key)).all()

    @property
    def values(self) -> Any:
        """All of them, to be hashed."""
        return [[*map(tuple, self._pages)], [*map(tuple, self._others)]]

    def of(self, source: str, articles: Iterable[str]) -> KnownPages:
        """Return those of one source, whose articles have these files."""
        pages = {row.path: row.addresses for row in self._pages if row.source == source}
        patterns = json.loads(pages.pop(_PATTERNS, '["**"]'))
        others = {row.key: row.left_out for row in self._others if row.source == source}
        absent = {key for key, reason in others.items() if reason in _ABSENT}
        folders = {path.rpartition("/")[0] for path in articles}
        return KnownPages(
            (pages.keys() | others.keys()) - absent,
            [one for path in pages.keys() - absent for one in json.loads(pages[path])],
            folders,
            patterns,
        )
