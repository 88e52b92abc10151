"""What waits to be published: drafts, documents that are held until a date, and articles to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from publisher.articles.model import ArticleStatus
from publisher.articles.tables import article
from publisher.ingest.quarantine import left_out_by_name
from publisher.ingest.tables import source_item

# Values of `ingest.sites.base.LeftOutReason`, whose module loads all parsers.
_DRAFT, _SCHEDULED = "draft", "scheduled"


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A document of a source; without `until` it is a draft. `title` is None if it is not known."""

    source: str
    file: str
    title: str | None
    language: str | None
    until: datetime | None


def waiting_documents(connection: Connection, now: datetime) -> list[WaitingDocument]:
    """Return drafts, in the order of their names, then what waits for a date, the next one first."""
    found = [*_held(connection), *_to_come(connection, now)]
    dated = sorted((one for one in found if one.until), key=lambda one: (one.until, one.file))
    return [*(one for one in found if not one.until), *dated]


def count_drafts_by_name(connection: Connection) -> int:
    """Return the number of drafts that sites leave out by folder or name, and that are not read."""
    found = left_out_by_name(connection)
    return sum(count for reason, _group, count in found if reason == _DRAFT)


def _held(connection: Connection) -> list[WaitingDocument]:
    columns = source_item.c["source", "key", "title", "language", "read_again_at"]
    query = select(*columns).where(source_item.c.left_out.in_([_DRAFT, _SCHEDULED]))
    return [
        WaitingDocument(*row) for row in connection.execute(query.order_by("source", "key"))
    ]


def _to_come(connection: Connection, now: datetime) -> list[WaitingDocument]:
    columns = (*source_item.c["source", "key"], *article.c["title", "language", "available_at"])
    query = (
        select(*columns)
        .join(article, article.c.id == source_item.c.article_id)
        .where(article.c.available_at > now, article.c.status == ArticleStatus.READY)
    )
    return [WaitingDocument(*row) for row in connection.execute(query)]
