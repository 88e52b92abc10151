"""Remove the pages of articles that must not be visible, or not here.

These are withdrawn, held back, embargoed, in a language that is not published, or published
elsewhere. Pages that may recommend such an article are written again without it. In place of the page
of a withdrawn article stands one that says so, which web servers send with 410 (Gone).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article, story
from publisher.config import Settings
from publisher.database import Database
from publisher.fault_isolation import Report, isolated
from publisher.files import remove_file
from publisher.related_pages import mark_related_pages_due
from publisher.site.media_files import mark_media_due
from publisher.web_files import write_page


def remove_hidden_pages(
    settings: Settings,
    database: Database,
    now: datetime,
    gone_page: Callable[[str], str],
    report: Report,
) -> int:
    """Remove these pages; return how many existed. `gone_page` renders what is left of one, by language.

    What fails is reported, and tried again in the next run.
    """
    public = settings.folders.public
    with database.reading() as connection:
        hidden = _hidden(connection, settings, now)
    visible = [row for row in hidden if (public / _file(row)).exists()]
    if visible:
        # Before the files are removed, so that a killed process does both again.
        with database.writing() as connection:
            # Pages are read, maybe from a slow disk.
            database.allow_pause(connection)
            mark_related_pages_due(connection, visible, public)
    done = list[int]()
    for row in hidden:
        with isolated(f"/{_file(row)}", report):
            is_gone = row.status == ArticleStatus.WITHDRAWN
            _settle(settings, row, gone_page if is_gone and row.available_at <= now else None)
            # The page of an embargoed article is still to be written.
            done += [row.id] if is_gone or row.available_at <= now else []
    if done:
        with database.writing() as connection:
            articles.mark_article_pages_written(connection, done)
            mark_media_due(connection)
    return len(visible)


def _settle(settings: Settings, row: Row[Any], gone_page: Callable[[str], str] | None) -> None:
    """Remove an article's page. Write that it was withdrawn, or remove that without a `gone_page`."""
    public, file = settings.folders.public, _file(row)
    remove_file(public / file, public)
    if gone_page and row.url is None and row.language in settings.publication.languages:
        write_page(settings, file.with_name(urls.GONE_NAME), gone_page(row.language))
    else:
        remove_file(public / file.with_name(urls.GONE_NAME), public)


def _hidden(connection: Connection, settings: Settings, now: datetime) -> list[Row[Any]]:
    columns = article.c[
        *("id", "story_id", "language", "topics", "section", "url", "available_at", "status")
    ]
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
