"""Writing the pages that are due, and only those.

Each page's row says what it was last written from; a crash between the file and the row means
writing the same bytes again. Knows no reader and no mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection, bindparam, select, update

from publisher import urls
from publisher.articles import store as articles
from publisher.articles.model import Article, Status
from publisher.articles.tables import article as article_table
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.files import remove
from publisher.issues import store as issues
from publisher.rendering import Renderer, views
from publisher.site import lists
from publisher.site.placing import place
from publisher.site.renewing import renew_articles

log = structlog.get_logger()

# As many article pages are rendered and written before their rows are marked.
PORTION = 50


@dataclass(slots=True)
class Written:
    """How many pages changed on disk, and what went wrong."""

    issues: int = 0
    articles: int = 0
    lists: int = 0
    problems: list[str] = field(default_factory=list)


def write_site(
    settings: Settings, database: Database, renderer: Renderer, now: datetime
) -> Written:
    """Write every page whose content is newer than its file.

    Articles come before the issues that link to them, issues before the lists. What can't be
    rendered or written is told, the rest goes on, and the next turn tries again.
    """
    written = Written()
    with _apart(written):
        _write_articles(settings, database, renderer, now, written)
    with _apart(written):
        _write_issues(settings, database, written)
    with _apart(written):
        written.lists = lists.write_lists(settings, database, renderer, now)
    return written


@contextmanager
def _apart(written: Written) -> Iterator[None]:
    try:
        yield
    except (RenderingError, OSError) as error:
        written.problems.append(str(error))
        log.error("pages left as they were", reason=str(error))


def _write_issues(settings: Settings, database: Database, written: Written) -> None:
    with database.reading() as connection:
        due = issues.without_page(connection)
    for issue, page, sha256 in due:
        path = urls.issue_path(issue.language, issue.newsletter, issue.day)
        written.issues += place(settings, urls.page_file(path), page)
        with database.writing() as connection:
            issues.page_written(connection, issue, sha256)


def _write_articles(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    written: Written,
) -> None:
    renew_articles(settings, database, renderer)
    failed: set[int] = set()
    while True:
        with database.reading() as connection:
            due = articles.without_page(connection, now, PORTION + len(failed))
            portion = [article for article in due if article.id not in failed]
            variants = articles.variants(connection, [a.story_id for a in portion], now)
            pools = _pools(connection, portion, now)
        if not portion:
            return
        done = []
        for article in portion:
            try:
                written.articles += _write_article(
                    settings, database, renderer, article, variants, pools
                )
                done.append(article.id)
            except RenderingError as error:
                failed.add(article.id)
                written.problems.append(f"{article.language}/{article.slug}: {error}")
        if not done:
            return  # not one page of a whole portion: the template is at fault, not an article
        with database.writing() as connection:
            articles.page_written(connection, done)


def _pools(
    connection: Connection, portion: Sequence[Article], now: datetime
) -> dict[str, list[Article]]:
    languages = {article.language for article in portion}
    return {tag: articles.newest(connection, tag, now, lists.POOL) for tag in languages}


def _write_article(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    article: Article,
    variants: views.Variants,
    pools: dict[str, list[Article]],
) -> bool:
    """Write an article's page, or take it away; says if anything changed on disk."""
    publication, public = settings.publication, settings.folders.public
    path = urls.page_file(urls.article_path(article.language, article.slug))
    language = article.language
    hidden = article.status != Status.READY or language not in publication.languages
    if hidden or article.url:
        return _take_away(database, article, public / path, public)
    others = views.related(article, pools[language], {article.story_id})
    item = views.item(
        publication, article, language, variants.get(article.story_id, ()), others
    )
    feeds = views.feed_lines(publication, language)
    page = renderer.article_page(views.house(publication, language), item, feeds)
    return place(settings, path, page)


def _take_away(database: Database, article: Article, file: Path, public: Path) -> bool:
    if not file.exists():
        return False
    # First, so that a crash in between means doing both again.
    with database.writing() as connection:
        _renew_related(connection, article)
    remove(file, public)
    return True


def _renew_related(connection: Connection, gone: Article) -> None:
    """Have the pages that may recommend an article written again without it."""
    table = article_table
    query = select(table.c.id, table.c.topics, table.c.section).where(
        table.c.language == gone.language, table.c.page_hash.is_not(None)
    )
    mine = {*gone.topics, gone.section} - {None}
    near = [row.id for row in connection.execute(query) if mine & {*row.topics, row.section}]
    if near:
        connection.execute(
            update(table).where(table.c.id == bindparam("number")).values(page_hash=None),
            [{"number": number} for number in near],
        )
