"""Articles page by page, and the sources that they come from, for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.articles.listing import ArticleSummary, list_articles_before
from publisher.articles.model import ArticleStatus, Origin
from publisher.ingest.held_sources import HeldSource, list_held_sources
from publisher.ingest.problems import list_problems
from publisher.ingest.quarantine import quarantined_items
from publisher.urls import article_path, public_url

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.app.editing_state import EditingState

# What callers import, with the values of other packages that they get.
__all__ = [
    "ArticleStatus",
    "ArticleSummary",
    "ListedSource",
    "Origin",
    "address_of_article",
    "list_article_page",
    "list_sources",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSource:
    """A source of the settings. `held` says that it suddenly lost articles, of which none is withdrawn."""

    name: str
    kind: str
    language: str | None
    problems: int
    held: HeldSource | None


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


def list_sources(state: EditingState) -> tuple[list[ListedSource], list[tuple[str, str]]]:
    """Return the sources of the settings, and path and reason of each item in quarantine."""
    with state.database.reading() as connection:
        held = {one.source: one for one in list_held_sources(connection)}
        problems = Counter(one.source for one in list_problems(connection))
        quarantine = list(quarantined_items(connection))
    return [
        ListedSource(
            name=one.name,
            kind=one.kind,
            language=one.language,
            problems=problems[one.name],
            held=held.get(one.name),
        )
        for one in state.settings.sources
    ], quarantine
