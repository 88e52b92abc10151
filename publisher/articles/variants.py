"""The language variants of a story: which is the original, which are untranslated copies.

Call these functions after an article of a story was added, changed or withdrawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import NEEDS_PUBLISHING, article


def withdraw_articles(
    connection: Connection, numbers: Sequence[int], languages: Sequence[str], now: datetime
) -> set[int]:
    """Withdraw articles and return their stories; the rows stay, and so the ids."""
    touched = set()
    for number in numbers:
        here = article.c.id == number
        connection.execute(
            update(article)
            .where(here)
            .values(status=ArticleStatus.WITHDRAWN, updated_at=now, **NEEDS_PUBLISHING)
        )
        story_id = connection.execute(select(article.c.story_id).where(here)).scalar_one()
        update_variants(connection, story_id, languages, now)
        touched.add(story_id)
    return touched


def update_variants(
    connection: Connection, story_id: int, languages: Sequence[str], now: datetime
) -> None:
    """Decide again which article is the original and which are untranslated copies of it.

    `languages` are the publication's: their order decides between equals.
    """
    query = select(article).where(
        article.c.story_id == story_id,
        article.c.status != ArticleStatus.WITHDRAWN,
        article.c.origin != Origin.CONVERTED,
    )
    rows = connection.execute(query).all()
    if not rows:
        return
    original = min(rows, key=lambda row: _original_rank(row, languages))
    for row in rows:
        values = _variant_columns(row, original, now)
        connection.execute(update(article).where(article.c.id == row.id).values(values))
    # Each page lists the story's languages.
    same_story = (article.c.story_id == story_id) & (
        article.c.status != ArticleStatus.WITHDRAWN
    )
    connection.execute(update(article).where(same_story).values(NEEDS_PUBLISHING))


def _original_rank(
    row: Row[Any], languages: Sequence[str]
) -> tuple[bool, bool, datetime, int, str]:
    """Return a sort key; the original has the lowest.

    Articles that may be published come first, then those without a translator, then the earliest,
    then by the order of languages.
    """
    position = languages.index(row.language) if row.language in languages else len(languages)
    held_back = row.declared != ArticleStatus.READY
    return held_back, bool(row.translators), row.published_at, position, row.language


def _variant_columns(row: Row[Any], original: Row[Any], now: datetime) -> dict[str, Any]:
    # Two articles with only pictures are no copies of each other.
    is_copy = row.id != original.id and bool(row.text) and row.text == original.text
    status = ArticleStatus.UNTRANSLATED if is_copy else ArticleStatus(row.declared)
    values: dict[str, Any] = {
        "origin": Origin.ORIGINAL if row.id == original.id else Origin.TRANSLATION,
        "status": status,
    }
    if status == ArticleStatus.READY and row.status != ArticleStatus.READY:
        # An article that was held back is new when it is released.
        values["available_at"] = max(now, row.available_at)
    return values
