"""Articles page by page, for programs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from publisher.articles.listing import ArticleSummary, list_articles_before
from publisher.articles.model import ArticleStatus, Origin
from publisher.urls import article_path, public_url

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.app.editing_state import EditingState

# What callers import, with the values of other packages that they get.
__all__ = [
    "ArticleStatus",
    "ArticleSummary",
    "Origin",
    "address_of_article",
    "list_article_page",
]


def list_article_page(
    state: EditingState,
    languages: Collection[str],
    before: tuple[datetime, int] | None,
    limit: int,
) -> tuple[list[ArticleSummary], bool]:
    """Return articles, the latest first, and whether there are further ones."""
    with state.database.reading() as connection:
        found = list_articles_before(connection, languages, before, limit + 1)
    return found[:limit], len(found) > limit


def address_of_article(state: EditingState, one: ArticleSummary) -> str:
    """Return the address of an article: its own, or that of its page."""
    page = article_path(one.language, one.slug)
    return one.url or public_url(state.settings.publication, page)
