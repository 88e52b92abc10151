"""Topics and authors of the newest articles, most frequent first.

They are read at most once a minute: a page of preferences is asked for often, and changes seldom.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from publisher.articles.store import newest_labels

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Engine

# Articles of each language that are counted. More would take longer than they are worth.
_COUNTED = 500
_SECONDS_KEPT = 60


@dataclass(frozen=True, slots=True)
class ArticleLabels:
    """Topics and authors' names, most frequent first."""

    topics: tuple[str, ...]
    authors: tuple[str, ...]


_kept: WeakKeyDictionary[Engine, dict[tuple[str, ...], tuple[float, ArticleLabels]]] = (
    WeakKeyDictionary()
)


def frequent_labels(
    connection: Connection, languages: Collection[str], now: datetime
) -> ArticleLabels:
    """Return the labels of the articles in some languages, as of a minute ago or less."""
    key, at = tuple(sorted(languages)), now.timestamp()
    kept = _kept.setdefault(connection.engine, {})
    if key not in kept or not kept[key][0] <= at < kept[key][0] + _SECONDS_KEPT:
        kept[key] = (at, _count(connection, key, now))
    return kept[key][1]


def _count(connection: Connection, languages: Collection[str], now: datetime) -> ArticleLabels:
    topics: Counter[str] = Counter()
    authors: Counter[str] = Counter()
    for language in languages:
        for its_topics, its_authors in newest_labels(connection, language, now, _COUNTED):
            topics.update(set(its_topics))
            authors.update(set(its_authors))
    return ArticleLabels(_by_frequency(topics), _by_frequency(authors))


def _by_frequency(counted: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(counted, key=lambda one: (-counted[one], one)))
