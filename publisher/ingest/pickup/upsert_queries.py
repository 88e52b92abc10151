"""What `upsert` asks the database for each item, as statements that are built once.

To build a statement and its key in SQLAlchemy's cache takes three times as long as to run it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from publisher.articles.tables import article, story
from publisher.ingest.tables import source_item

_ITEM = select(source_item).where(
    source_item.c.source == bindparam("source"), source_item.c.key == bindparam("key")
)
_HOLDERS = (
    select(source_item)
    .join(article, article.c.id == source_item.c.article_id)
    .join(story, story.c.id == article.c.story_id)
    .where(story.c.key == bindparam("key"), article.c.language == bindparam("language"))
    .order_by(source_item.c.key)
)
_STORY = select(story.c.id).where(story.c.key == bindparam("key"))
_SLUG = select(story.c.id).where(story.c.slug == bindparam("slug"))
_NEW_STORY = insert(story).returning(story.c.id)
_ARTICLE = select(article).where(article.c.id == bindparam("number"))
_ARTICLE_OF_STORY = select(article.c.id).where(
    article.c.story_id == bindparam("story"), article.c.language == bindparam("language")
)
_KNOWN_SINCE = select(func.min(article.c.available_at)).where(
    article.c.story_id == bindparam("story")
)
_NEW_ARTICLE = insert(article).returning(article.c.id)


def stored_item(connection: Connection, source: str, key: str) -> Row[Any] | None:
    """Return what is stored of an item."""
    return connection.execute(_ITEM, {"source": source, "key": key}).one_or_none()


def holders(connection: Connection, story_key: str, language: str) -> Sequence[Row[Any]]:
    """Return the items from which a story's article in this language comes, or came."""
    return connection.execute(_HOLDERS, {"key": story_key, "language": language}).all()


def story_id(connection: Connection, key: str) -> int | None:
    """Return the id of the story with this key."""
    return connection.execute(_STORY, {"key": key}).scalar_one_or_none()


def is_slug_taken(connection: Connection, slug: str) -> bool:
    """Return whether a story has this slug."""
    return connection.execute(_SLUG, {"slug": slug}).first() is not None


def add_story(connection: Connection, key: str, slug: str) -> int:
    """Store a new story; return its id."""
    return int(connection.execute(_NEW_STORY, {"key": key, "slug": slug}).scalar_one())


def article_row(connection: Connection, number: int) -> Row[Any] | None:
    """Return an article as stored."""
    return connection.execute(_ARTICLE, {"number": number}).one_or_none()


def article_of_story(connection: Connection, story: int, language: str) -> int | None:
    """Return the id of a story's article in a language."""
    values = {"story": story, "language": language}
    return connection.execute(_ARTICLE_OF_STORY, values).scalar_one_or_none()


def known_since(connection: Connection, story: int) -> datetime | None:
    """Return since when a story has an article, None if it has none."""
    return connection.execute(_KNOWN_SINCE, {"story": story}).scalar_one_or_none()


def add_article(connection: Connection, values: Mapping[str, Any]) -> int:
    """Store a new article; return its id."""
    return int(connection.execute(_NEW_ARTICLE, values).scalar_one())
