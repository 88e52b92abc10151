"""Taking away the pages of articles that readers may not see, or not here.

Withdrawn, held back, embargoed, in a language that is not published, or living elsewhere. Pages
that may recommend such an article are written again without it. Knows no template.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, bindparam, or_, select, update

from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, story
from publisher.config import Settings
from publisher.database import Database
from publisher.files import remove_file


def remove_hidden_pages(settings: Settings, database: Database, now: datetime) -> int:
    """Remove the pages that must not be there; gives how many there were."""
    public = settings.folders.public
    with database.reading() as connection:
        hidden = _hidden(connection, settings, now)
    shown = [row for row in hidden if (public / _file(row)).exists()]
    if shown:
        # Before the files go, so that a crash in between means doing both again.
        with database.writing() as connection:
            _renew_related(connection, shown)
    for row in shown:
        remove_file(public / _file(row), public)
    with database.writing() as connection:
        # What is only embargoed has its page to come.
        articles.mark_article_pages_written(
            connection, [row.id for row in hidden if row.available_at <= now]
        )
    return len(shown)


def _hidden(connection: Connection, settings: Settings, now: datetime) -> list[Row[Any]]:
    columns = article.c["id", "language", "topics", "section", "available_at"]
    query = (
        select(*columns, story.c.slug)
        .join(story)
        .where(
            article.c.page_hash.is_(None),
            or_(
                article.c.status != ArticleStatus.READY,
                article.c.available_at > now,
                article.c.url.is_not(None),
                article.c.language.not_in(settings.publication.languages),
            ),
        )
    )
    return list(connection.execute(query))


def _file(row: Row[Any]) -> PurePosixPath:
    return urls.page_file(urls.article_path(row.language, row.slug))


def _renew_related(connection: Connection, gone: list[Row[Any]]) -> None:
    """Have the pages written again that share a topic or section with what is gone."""
    near: list[int] = []
    for language in {row.language for row in gone}:
        mine = {t for row in gone if row.language == language for t in _subjects(row)}
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
