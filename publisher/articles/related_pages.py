"""The pages that recommend an article: those that share a topic or the section with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from publisher.articles.tables import article


def mark_related_pages_due(connection: Connection, changed: Sequence[Row[Any]]) -> None:
    """Have the pages written again that may recommend one of some articles.

    They share a topic or the section with it. `changed` are rows of `article` with language, topics
    and section.
    """
    near: list[int] = []
    for language in {row.language for row in changed}:
        mine = {t for row in changed if row.language == language for t in _subjects(row)}
        others = select(article.c.id, article.c.topics, article.c.section).where(
            article.c.language == language, article.c.page_hash.is_not(None)
        )
        near += [row.id for row in connection.execute(others) if mine & _subjects(row)]
    if near:
        connection.execute(
            update(article).where(article.c.id == bindparam("number")).values(page_hash=None),
            [{"number": number} for number in near],
        )


def _subjects(row: Any) -> set[str]:
    return {*row.topics, row.section} - {None}
