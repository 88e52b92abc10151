"""Which languages' lists have to be compared with their articles, and whether sitemaps have to be made again.

A language has a number, which grows in the transaction in which pages of its articles count as written or removed.
"""

import json
from collections.abc import Sequence

from sqlalchemy import Connection

from publisher import web_files
from publisher.articles import store as articles

CHANGE_NUMBERS = "list changes"  # in the build cache: by language; that of "" grows each time


def change_numbers(connection: Connection) -> dict[str, int]:
    return dict(json.loads(web_files.cached_hash(connection, CHANGE_NUMBERS) or "{}"))


def mark_pages_settled(connection: Connection, ids: Sequence[int]) -> None:
    """Note that articles' pages are written or removed; the lists are compared with them in this cycle or the next."""
    articles.mark_article_pages_written(connection, ids)
    mark_lists_due(connection, ids)


def mark_lists_due(connection: Connection, ids: Sequence[int]) -> None:
    """Have lists and sitemaps compared with the pages of articles that came, changed or went; without any, sitemaps."""
    numbers = change_numbers(connection)
    for tag in ("", *articles.languages_of(connection, ids)):
        numbers[tag] = numbers.get(tag, 0) + 1
    web_files.store_hash(connection, CHANGE_NUMBERS, json.dumps(numbers))
