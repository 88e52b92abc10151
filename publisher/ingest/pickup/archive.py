"""Which articles are an archive: published before their source was read here for the first time.

An archive has pages and feed entries. Issues carry none of it until somebody announces it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, func, select, update

from publisher.articles.model import ArticleStatus, Mailing
from publisher.articles.tables import article, story
from publisher.config.sources import FirstImport
from publisher.ingest.tables import source_item, source_table


@dataclass(frozen=True, slots=True)
class ArchiveRule:
    """Decides whether a new article is an archive's: it was published by `until`, None for never.

    In a pick-up that is an `import`, every such article is. In others only one that was in
    quarantine: its file was there before.
    """

    until: datetime | None = None
    is_import: bool = False

    def mailing_of(self, published: datetime, *, was_held: bool) -> Mailing:
        """Return whether issues carry an article that is stored for the first time."""
        was_there = self.is_import or was_held
        is_archived = self.until is not None and was_there and published <= self.until
        return Mailing.ARCHIVE if is_archived else Mailing.NEWS


NO_ARCHIVE = ArchiveRule()


def archive_rule(
    setting: FirstImport,
    *,
    is_site: bool,
    imported_at: datetime | None,
    same_rules: bool,
    now: datetime,
) -> ArchiveRule:
    """Return the rule for one pick-up of a source.

    Until the first import is finished, all that is published now is an archive. Afterwards it is what
    was published before then, and is found only because settings of the source have changed.
    """
    if setting == "news" or (setting == "auto" and not is_site):
        return NO_ARCHIVE
    return ArchiveRule(imported_at or now, is_import=imported_at is None or not same_rules)


def count_archive(connection: Connection) -> Mapping[str, int]:
    """Return how many published articles of each source are an archive."""
    query: Select[str, int] = (
        select(source_item.c.source, func.count(article.c.id.distinct()))
        .join(article, article.c.id == source_item.c.article_id)
        .where(article.c.mailing == Mailing.ARCHIVE, article.c.status == ArticleStatus.READY)
        .group_by(source_item.c.source)
        .order_by(source_item.c.source)
    )
    return dict(connection.execute(query).all())


def stories_named(connection: Connection, name: str) -> ColumnElement[bool] | None:
    """Return a condition for the articles of a source, or else of a story by its key or slug.

    None if there is neither.
    """
    source = select(source_table.c.name).where(source_table.c.name == name)
    if connection.execute(source).first():
        items = select(source_item.c.article_id).where(source_item.c.source == name)
        stories = select(article.c.story_id).where(article.c.id.in_(items))
        return article.c.story_id.in_(stories)
    found = select(story.c.id).where((story.c.key == name) | (story.c.slug == name))
    number = connection.execute(found).scalars().first()
    return None if number is None else article.c.story_id == number


def count_by_mailing(connection: Connection, chosen: ColumnElement[bool]) -> Mapping[str, int]:
    """Return how many published articles of these there are, by the value of `Mailing`."""
    query = select(article.c.mailing, func.count()).group_by(article.c.mailing)
    rows = connection.execute(query.where(chosen, article.c.status == ArticleStatus.READY))
    return {str(mailing): number for mailing, number in rows}


def announce_archive(connection: Connection, chosen: ColumnElement[bool], now: datetime) -> int:
    """Make articles of an archive news from now on; return how many. Others stay as they are."""
    is_archived = article.c.mailing == Mailing.ARCHIVE
    rows = update(article).where(chosen, is_archived, article.c.status == ArticleStatus.READY)
    values = rows.values(mailing=Mailing.ANNOUNCED, available_at=now)
    return connection.execute(values).rowcount
