"""Articles and subscribers, stored where use cases find them, without a pick-up or an import."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from subscribers.tables import subscriber, subscription


def insert_article(
    connection: Connection,
    number: int,
    language: str,
    now: datetime,
    *,
    topics: Iterable[str] = (),
    origin: Origin = Origin.ORIGINAL,
) -> None:
    """Store an article of a story, if the story has none in its language."""
    if connection.execute(select(story.c.id).where(story.c.id == number)).first() is None:
        name = f"s{number}"
        connection.execute(insert(story).values(id=number, key=name, slug=name))
    here = (article.c.story_id == number) & (article.c.language == language)
    if connection.execute(select(article.c.id).where(here)).first() is not None:
        return
    values: dict[str, Any] = {"story_id": number, "language": language, "title": f"S{number}"}
    values |= {"topics": [*topics], "origin": origin, "content_hash": "0"}
    values |= dict.fromkeys(("status", "declared"), ArticleStatus.READY)
    values |= dict.fromkeys(("summary", "html", "text"), "")
    values |= {"bylines": [], "translators": [], "offered": []}
    values |= dict.fromkeys(("published_at", "available_at", "updated_at"), now)
    connection.execute(insert(article).values(values | {"published_on": now.date()}))


def insert_subscriber(
    connection: Connection,
    address: str,
    language: str,
    at: datetime,
    newsletters: dict[str, str] | None = None,
    **values: Any,
) -> int:
    """Store a subscriber, by default an active one, with the status of each newsletter; return the id."""
    row: dict[str, Any] = {"email": address, "address": address, "language": language}
    row |= {"status": "active"} | dict.fromkeys(("created_at", "updated_at"), at) | values
    number = connection.execute(insert(subscriber).values(row)).inserted_primary_key
    assert number is not None
    for name, status in (newsletters or {}).items():
        mine = {"subscriber_id": number[0], "newsletter": name, "status": status}
        connection.execute(insert(subscription).values(mine | {"source": "import"}))
    return int(number[0])
