"""Tell search engines which pages are new, changed or gone: IndexNow (https://www.indexnow.org/documentation).

A request names a key, and the site proves that it is its own by a file with the key, which stands at the web root.
The key is random and no secret.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from publisher import urls, web_files
from publisher.config import Settings
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import queue_item
from publisher.files import remove_file, write_if_changed
from publisher.syndication.websub import IS_PING, PING_KIND

MOST_PAGES = 10_000  # addresses in a request, by the protocol
_KEY = "indexnow key"  # in the build cache
# What the protocol says that a refusal means.
_REFUSALS = {
    "400": "it does not understand the request",
    "403": "it did not find the key in {keyLocation}; let your web server show this file",
    "422": "it does not take addresses of {host} with the key of {keyLocation}",
}


def write_key_file(settings: Settings, database: Database) -> None:
    """Write the file with the key, before a request names it; remove it when nobody is told of pages any more."""
    public, is_on = settings.folders.public, bool(settings.site.indexnow)
    with database.reading() as connection:
        key = web_files.cached_hash(connection, _KEY)
    if is_on == (key is None):
        with database.writing() as connection:
            if key is None:
                web_files.store_hash(connection, _KEY, secrets.token_hex(16))
            else:
                remove_file(public / _key_file(key), public)
                web_files.forget_hash(connection, _KEY)
            key = web_files.cached_hash(connection, _KEY)
    if key is not None:
        write_if_changed(public / _key_file(key), key.encode())


def enqueue_pages(
    connection: Connection, pages: Sequence[str], settings: Settings, now: datetime
) -> None:
    """Queue the addresses of pages for all search engines, before it is stored that they were listed: none is ever lost."""
    key = web_files.cached_hash(connection, _KEY)
    if key is None:
        return
    c, publication = queue_item.c, settings.publication
    frame = {
        "host": urlsplit(publication.url).netloc,
        "key": key,
        "keyLocation": urls.public_url(publication, _key_file(key)),
    }
    for engine in dict.fromkeys(settings.site.indexnow):
        query = select(queue_item).where(IS_PING, c.target == engine, c.next_at.is_not(None))
        known = retry_queue.load_items(connection, query)
        told = sorted({*pages}.union(*(one.payload["document"]["urlList"] for one in known)))
        for start in range(0, len(told), MOST_PAGES):
            some = told[start : start + MOST_PAGES]
            retry_queue.enqueue(
                connection,
                PING_KIND,
                {"topic": f"{some[0]} … ({len(some)})", "document": {**frame, "urlList": some}},
                now,
                key=f"{engine} pages {start}",
                target=engine,
                renews=True,
            )


def explain_refusal(answer: str, document: dict[str, Any]) -> str:
    """Return a search engine's answer, such as `403 Forbidden`, with what it means. Pure."""
    meaning = _REFUSALS.get(answer[:3], "")
    return f"{answer}: {meaning.format(**document)}" if meaning else answer


def _key_file(key: str) -> str:
    return f"{key}.txt"
