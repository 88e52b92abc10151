"""Articles page by page, the latest first, without their texts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, literal, select, tuple_

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.database.metadata import UTCDateTime


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSummary:
    """An article without its text."""

    id: int
    story: str
    story_id: int
    slug: str
    language: str
    title: str
    origin: Origin
    status: ArticleStatus
    published_at: datetime
    available_at: datetime
    updated_at: datetime
    url: str | None


def list_articles_before(
    connection: Connection,
    languages: Collection[str],
    before: tuple[datetime, int] | None,
    limit: int,
) -> list[ArticleSummary]:
    """Return articles of some languages, the latest first. A place is the time of publication and the id."""
    own = article.c
    query = (
        select(
            *(own.id, own.story_id, story.c.key.label("story"), story.c.slug, own.language),
            *(own.title, own.origin, own.status, own.url),
            *(own.published_at, own.available_at, own.updated_at),
        )
        .join(story)
        .where(own.language.in_(languages))
    )
    if before is not None:
        place = tuple_(literal(before[0], UTCDateTime), literal(before[1]))
        query = query.where(tuple_(own.published_at, own.id) < place)
    rows = connection.execute(
        query.order_by(own.published_at.desc(), own.id.desc()).limit(limit)
    )
    return [
        ArticleSummary(
            **dict(row._mapping)  # noqa: SLF001  # public in spite of its name
            | {"origin": Origin(row.origin), "status": ArticleStatus(row.status)}
        )
        for row in rows
    ]
