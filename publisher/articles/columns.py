"""Between a draft and the columns of its row: content, its hash, and the way back. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class PublicationTime:
    """When something was published: the date that readers see, and the instant (UTC)."""

    day: date
    at: datetime


def publication_time(value: datetime | date, zone: ZoneInfo) -> PublicationTime:
    """Read a date or time as a publication in `zone` means it; a bare date begins at midnight."""
    if not isinstance(value, datetime):
        return PublicationTime(
            value, datetime.combine(value, time(), tzinfo=zone).astimezone(UTC)
        )
    local = value if value.tzinfo else value.replace(tzinfo=zone)
    return PublicationTime(
        local.astimezone(zone).date(), local.astimezone(UTC).replace(microsecond=0)
    )


def content_columns(draft: ParsedArticle, language: str, day: date) -> dict[str, Any]:
    """Give the columns that a reader can see, ready to be stored, and the hash over them."""
    columns: dict[str, Any] = {
        "title": draft.title,
        "summary": draft.summary or make_excerpt(draft.text, language),
        "html": draft.html,
        "text": draft.text,
        "bylines": [asdict(byline) for byline in draft.bylines],
        "translators": list(draft.translators),
        "section": draft.section,
        "topics": list(draft.topics),
        "picture": asdict(draft.picture) if draft.picture else None,
        "url": draft.url,
        "offered": list(draft.offered),
        "attachments": [asdict(attachment) for attachment in draft.attachments],
        "published_on": day,
    }
    return columns | {"content_hash": content_hash(columns)}


def content_hash(columns: dict[str, Any]) -> str:
    """Hash columns so that equal content gives an equal hash everywhere."""
    # What has no attachments keeps the hash that it had before there were any.
    seen = {name: value for name, value in columns.items() if value or name != "attachments"}
    plain = json.dumps(seen, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def article_from_row(row: Row[Any]) -> Article:
    """Make an Article of a row of `article` joined with its story's key and slug."""
    values = row._mapping  # noqa: SLF001  # SQLAlchemy's public name for it
    picture = values["picture"]
    return Article(
        id=values["id"],
        story_id=values["story_id"],
        story_key=values["key"],
        slug=values["slug"],
        language=values["language"],
        origin=Origin(values["origin"]),
        status=ArticleStatus(values["status"]),
        title=values["title"],
        summary=values["summary"],
        html=values["html"],
        text=values["text"],
        bylines=tuple(Byline(**byline) for byline in values["bylines"]),
        translators=tuple(values["translators"]),
        section=values["section"],
        topics=tuple(values["topics"]),
        picture=Picture(**picture) if picture else None,
        attachments=tuple(Attachment(**one) for one in values["attachments"]),
        url=values["url"],
        offered=tuple(values["offered"]),
        published_on=values["published_on"],
        published_at=values["published_at"],
        available_at=values["available_at"],
        updated_at=values["updated_at"],
        content_hash=values["content_hash"],
    )
