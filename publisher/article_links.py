"""Links between articles: where a link to a story leads, and which pages recommend an article.

A link leads to the version that a reader of some language gets. A page recommends an article if it
links to it, or shares a topic or the section with it. `publisher.ingest.pickup.link_update` finds out
which article a link means, and stores it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select, update

from publisher import urls
from publisher.articles.content.internal_links import LinkDestination, replace_links
from publisher.articles.model import Article, ArticleStatus
from publisher.articles.tables import article, article_link, story
from publisher.database.engine import chunks


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
    href = version.url or f"/{urls.article_path(version.language, version.slug)}"
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


def mark_related_pages_due(
    connection: Connection, changed: Sequence[Row[Any]], public: Path
) -> None:
    """Have the pages below `public` written again that recommend an article of `changed`.

    These are rows of `article` with story, language, topics, section and URL.
    """
    near: list[int] = []
    for language in {row.language for row in changed}:
        near += _recommending(
            connection, [row for row in changed if row.language == language], public
        )
    if near:
        connection.execute(
            update(article).where(article.c.id == bindparam("number")).values(page_hash=None),
            [{"number": number} for number in near],
        )


def _recommending(
    connection: Connection, changed: Sequence[Row[Any]], public: Path
) -> Iterator[int]:
    """Yield the articles whose pages recommend one of some others in their language.

    A page that is missing counts, and each one that may recommend an article without a page here.
    """
    language = changed[0].language
    mine = {subject for row in changed for subject in _subjects(row)}
    slugs = _slugs(connection, changed)
    is_any_elsewhere = any(row.url for row in changed)
    others = (
        select(article.c.id, article.c.topics, article.c.section, story.c.slug)
        .join(story)
        .where(article.c.language == language, article.c.page_hash.is_not(None))
    )
    for row in connection.execute(others):
        if not mine & _subjects(row):
            continue
        page = public / urls.page_file(urls.article_path(language, row.slug))
        if is_any_elsewhere or not page.is_file() or slugs & _linked(page, language):
            yield row.id


def _subjects(row: Any) -> set[str]:
    return {*row.topics, row.section} - {None}


def _slugs(connection: Connection, changed: Sequence[Row[Any]]) -> set[str]:
    found: set[str] = set()
    for some in chunks(sorted({row.story_id for row in changed})):
        query = select(story.c.slug).where(story.c.id.in_(some))
        found |= {*connection.execute(query).scalars()}
    return found


def _linked(page: Path, language: str) -> set[str]:
    """Return the slugs of the stories in a language that a page links to."""
    before, after = urls.article_path(language, "|").split("|")
    link = re.compile(f'/{re.escape(before)}([^/"]+){re.escape(after)}')
    return {*link.findall(page.read_text("utf-8", "replace"))}
