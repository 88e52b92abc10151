"""Convert a parsed article to the columns of its row, and a row to an Article."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from publisher.articles.content.excerpt import make_excerpt
from publisher.articles.model import (
    Article,
    ArticleStatus,
    Attachment,
    Byline,
    Origin,
    ParsedArticle,
    Picture,
)

_ARTICLE_FIELDS = tuple(field.name for field in fields(Article))


@dataclass(frozen=True, slots=True)
class PublicationTime:
    """When an article was published: the date to show, and the time (UTC)."""

    day: date
    at: datetime


def publication_time(value: datetime | date, zone: ZoneInfo) -> PublicationTime:
    """Return a date or time in the publication's time zone; a bare date means midnight."""
    if not isinstance(value, datetime):
        return PublicationTime(
            value, datetime.combine(value, time(), tzinfo=zone).astimezone(UTC)
        )
    local = value if value.tzinfo else value.replace(tzinfo=zone)
    return PublicationTime(
        local.astimezone(zone).date(), local.astimezone(UTC).replace(microsecond=0)
    )


def content_columns(parsed: ParsedArticle, language: str, day: date) -> dict[str, Any]:
    """Return the visible columns of an article, and the hash over them."""
    columns: dict[str, Any] = {
        "title": parsed.title,
        "summary": parsed.summary or make_excerpt(parsed.text, language),
        "html": parsed.html,
        "text": parsed.text,
        "bylines": [asdict(byline) for byline in parsed.bylines],
        "translators": list(parsed.translators),
        "section": parsed.section,
        "topics": list(parsed.topics),
        "picture": asdict(parsed.picture) if parsed.picture else None,
        "url": parsed.url,
        "offered": list(parsed.offered),
        "attachments": [asdict(attachment) for attachment in parsed.attachments],
        "published_on": day,
    }
    return columns | {"content_hash": content_hash(columns)}


def content_hash(columns: dict[str, Any]) -> str:
    """Return a hash of columns that is equal for equal content on every machine."""
    # Empty attachments are left out, as in hashes from before attachments existed.
    counted = {name: value for name, value in columns.items() if value or name != "attachments"}
    plain = json.dumps(counted, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def article_from_row(row: Row[Any]) -> Article:
    """Return an Article from a row of `article` joined with its story's key and slug."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    picture = values["picture"]
    converted: dict[str, Any] = {
        "story_key": values["key"],
        "origin": Origin(values["origin"]),
        "status": ArticleStatus(values["status"]),
        "bylines": tuple(Byline(**byline) for byline in values["bylines"]),
        "translators": tuple(values["translators"]),
        "topics": tuple(values["topics"]),
        "picture": Picture(**picture) if picture else None,
        "attachments": tuple(Attachment(**one) for one in values["attachments"]),
        "offered": tuple(values["offered"]),
    }
    columns = values | converted
    return Article(**{name: columns[name] for name in _ARTICLE_FIELDS})
