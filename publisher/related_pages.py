"""The pages that recommend an article: those that link to it, and share a topic or the section with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from publisher import urls
from publisher.articles.tables import article, story
from publisher.database.engine import chunks


def mark_related_pages_due(
    connection: Connection, changed: Sequence[Row[Any]], public: Path
) -> None:
    """Have the pages below `public` written again that recommend one of some articles.

    `changed` are rows of `article` with story, language, topics, section and URL.
    """
    near: list[int] = []
    for language in {row.language for row in changed}:
        near += _recommending(
            connection, [row for row in changed if row.language == language], public
        )
    if near:
        connection.execute(
            update(article).where(article.c.id == bindparam("number")).values(page_hash=None),
            [{"number": number} for number in near],
        )


def _recommending(
    connection: Connection, changed: Sequence[Row[Any]], public: Path
) -> Iterator[int]:
    """Yield the articles whose pages recommend one of some others in their language.

    A page that is missing counts, and each one that may recommend an article without a page here.
    """
    language = changed[0].language
    mine = {subject for row in changed for subject in _subjects(row)}
    slugs = _slugs(connection, changed)
    is_any_elsewhere = any(row.url for row in changed)
    others = (
        select(article.c.id, article.c.topics, article.c.section, story.c.slug)
        .join(story)
        .where(article.c.language == language, article.c.page_hash.is_not(None))
    )
    for row in connection.execute(others):
        if not mine & _subjects(row):
            continue
        page = public / urls.page_file(urls.article_path(language, row.slug))
        if is_any_elsewhere or not page.is_file() or slugs & _linked(page, language):
            yield row.id


def _subjects(row: Any) -> set[str]:
    return {*row.topics, row.section} - {None}


def _slugs(connection: Connection, changed: Sequence[Row[Any]]) -> set[str]:
    found: set[str] = set()
    for some in chunks(sorted({row.story_id for row in changed})):
        query = select(story.c.slug).where(story.c.id.in_(some))
        found |= {*connection.execute(query).scalars()}
    return found


def _linked(page: Path, language: str) -> set[str]:
    """Return the slugs of the stories that a page links to in a language."""
    before, after = urls.article_path(language, "|").split("|")
    link = re.compile(f'/{re.escape(before)}([^/"]+){re.escape(after)}')
    return {*link.findall(page.read_text("utf-8", "replace"))}
