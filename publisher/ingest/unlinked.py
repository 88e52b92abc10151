"""Find documents that are likely translations of each other, and are not linked.

Stories in one language each that were published on one day are likely one story, if each of these
languages has only one such story on that day and they share their picture, authors or topics.
Titles are never compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, func, select

from publisher.article_problems import ArticleProblem, ProblemKind
from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.ingest.problems import ItemProblem
from publisher.ingest.tables import source_item


def unlinked_translations(connection: Connection) -> list[ItemProblem]:
    """Return likely translations, each with the key that links it, by day and file."""
    by_day: dict[date, list[Row[Any]]] = defaultdict(list)
    for row in _single_articles(connection):
        by_day[row.published_on].append(row)
    return [
        ItemProblem(row.source, row.file, _problem(original), holds=False)
        for rows in by_day.values()
        for original, row in _pairs(rows)
    ]


def _single_articles(connection: Connection) -> Sequence[Any]:
    """Return the articles of stories that have one language only, by day and file."""
    shown = (article.c.status != ArticleStatus.WITHDRAWN) & (
        article.c.origin != Origin.CONVERTED
    )
    single = (
        select(article.c.story_id)
        .where(shown)
        .group_by(article.c.story_id)
        .having(func.count() == 1)
    )
    query = (
        select(
            *(
                article.c[name]
                for name in ("language", "published_on", "available_at", *_MARKS)
            ),
            story.c.key,
            source_item.c.source,
            source_item.c.key.label("file"),
        )
        .join(story, story.c.id == article.c.story_id)
        .join(source_item, source_item.c.article_id == article.c.id)
        .where(shown, article.c.story_id.in_(single))
        .order_by(article.c.published_on, source_item.c.key)
    )
    return connection.execute(query).all()


# What translations of a story often share.
_MARKS = ("picture", "bylines", "topics")


def _pairs(rows: Sequence[Row[Any]]) -> Iterator[tuple[Row[Any], Row[Any]]]:
    """Yield an original and its likely translation, among the single articles of one day. Pure."""
    if len({row.language for row in rows}) < len(rows):
        return
    original, *others = sorted(rows, key=lambda row: row.available_at)
    for other in others:
        shared = (getattr(original, mark) for mark in _MARKS if _same(original, other, mark))
        if any(shared):
            yield original, other


def _same(one: Row[Any], other: Row[Any], mark: str) -> bool:
    return bool(getattr(one, mark) == getattr(other, mark))


def _problem(original: Row[Any]) -> ArticleProblem:
    what = f"looks like a translation of {original.file}; write `key: {original.key}` in both"
    return ArticleProblem(ProblemKind.UNLINKED_TRANSLATION, None, what)
