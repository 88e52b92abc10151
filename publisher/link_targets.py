"""Where a link to a story leads: the version that a reader of some language gets.

`publisher.ingest.link_update` finds out which article a link means, and stores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from publisher.articles.content.internal_links import LinkDestination, replace_links
from publisher.articles.model import Article, ArticleStatus
from publisher.articles.tables import article, article_link, story
from publisher.urls import article_path


class StoryVersion(NamedTuple):
    """A visible article, as far as links to it need it; `url` is its own, if it is elsewhere."""

    id: int
    story_id: int
    slug: str
    language: str
    url: str | None


def visible_versions(
    connection: Connection,
    languages: Sequence[str],
    now: datetime,
    stories: Sequence[int] | None = None,
) -> dict[int, list[StoryVersion]]:
    """Return the articles that readers may see, by story, in the order of `languages`."""
    query = select(
        article.c.id, article.c.story_id, story.c.slug, article.c.language, article.c.url
    )
    query = query.join(story).where(
        article.c.status == ArticleStatus.READY,
        article.c.available_at <= now,
        article.c.language.in_(languages),
    )
    if stories is not None:
        query = query.where(article.c.story_id.in_(stories))
    found: dict[int, list[StoryVersion]] = {}
    for row in connection.execute(query):
        found.setdefault(row.story_id, []).append(StoryVersion(*row))
    for versions in found.values():
        versions.sort(key=lambda one: languages.index(one.language))
    return found


def choose_version(
    versions: Sequence[StoryVersion], meant: int, language: str, *, own_story: bool
) -> StoryVersion | None:
    """Return the version for a reader's language, else the meant one, else the first.

    A link from one language of a story to another means that language. Pure.
    """
    as_meant = next((one for one in versions if one.id == meant), None)
    if own_story:
        return as_meant
    in_language = next((one for one in versions if one.language == language), None)
    return in_language or as_meant or next(iter(versions), None)


def destination_in(version: StoryVersion, language: str) -> LinkDestination:
    """Return where a link leads that a reader of some language follows."""
    href = version.url or f"/{article_path(version.language, version.slug)}"
    return LinkDestination(href, None if version.language == language else version.language)


def with_links_for(
    connection: Connection,
    articles: Sequence[Article],
    language: str,
    languages: Sequence[str],
    now: datetime,
) -> list[Article]:
    """Return articles with the links of those in other languages as the reader's language has them."""
    foreign = {one.id: one for one in articles if one.language != language}
    texts: Mapping[int, str | None] = dict(
        connection.execute(
            select(article.c.id, article.c.linked_html).where(article.c.id.in_(foreign))
        ).all()
    )
    linked = [foreign[number] for number, html in texts.items() if html]
    if not linked:
        return list(articles)
    links = _links_of(connection, [one.id for one in linked])
    stories = {row.story_id for row in links if row.story_id is not None}
    versions = visible_versions(connection, languages, now, sorted(stories))
    changed = {}
    for one in linked:
        own = [row for row in links if row.article_id == one.id]
        destinations = _destinations(one, own, versions, language)
        html = replace_links(texts[one.id] or "", destinations.get)
        changed[one.id] = replace(one, html=html)
    return [changed.get(one.id, one) for one in articles]


def _destinations(
    one: Article,
    links: Sequence[_StoredLink],
    versions: Mapping[int, Sequence[StoryVersion]],
    language: str,
) -> dict[str, LinkDestination]:
    """Return where the links of an article lead in a language, by what is written in them."""
    found: dict[str, LinkDestination] = {}
    for row in links:
        chosen = choose_version(
            versions.get(row.story_id or 0, ()),
            row.means or 0,
            language,
            own_story=row.story_id == one.story_id,
        )
        if chosen:
            found[row.target] = destination_in(chosen, language)
        elif row.href and row.means is None:
            found[row.target] = LinkDestination(row.href)
    return found


class _StoredLink(NamedTuple):
    article_id: int
    target: str
    means: int | None
    href: str | None
    story_id: int | None


def _links_of(connection: Connection, ids: Sequence[int]) -> list[_StoredLink]:
    table = article_link.c
    query = (
        select(table.article_id, table.target, table.means, table.href, article.c.story_id)
        .outerjoin(article, article.c.id == table.means)
        .where(table.article_id.in_(ids))
    )
    return [_StoredLink(*row) for row in connection.execute(query)]
