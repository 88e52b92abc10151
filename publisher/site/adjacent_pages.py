"""Links of a page to the one before and the one after it: of articles in their language, of issues in their newsletter.

When articles change, what neighbours' files say decides which are due again. The page of an issue is frozen, so its
links are filled when its file is written.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from markupsafe import escape
from sqlalchemy import Connection, select, update

from publisher import urls
from publisher.articles.model import Article
from publisher.articles.store import AdjacentArticle
from publisher.articles.tables import article, story
from publisher.config import Publication, Settings
from publisher.database.engine import chunks
from publisher.rendering import ArticleView
from publisher.rendering.model import RelatedArticle

Neighbours = tuple[AdjacentArticle | None, AdjacentArticle | None]
LINKS = ("prev", "next")  # their links

_LINK = re.compile(r'<link rel="(?:prev|next)" href="[^"]*/([^/"]+)/" title="')
# As templates/web/issue.html has them: in the head, and with words in the text.
_PLACE = re.compile(r"<!--(previous|next)-issue(?::(.*?))?-->")


def with_neighbours(
    publication: Publication, item: ArticleView, found: Neighbours
) -> ArticleView:
    tag = item.article.language
    previous, following = (
        RelatedArticle(title=one.title, url=_url(publication, tag, one.slug), language=tag)
        if one
        else None
        for one in found
    )
    return replace(item, previous=previous, next=following)


def linked_neighbours(settings: Settings, language: str, slug: str) -> set[str]:
    return {*_LINK.findall(_page(settings, language, slug))}


def former_neighbours(
    settings: Settings, one: Article, found: Neighbours
) -> Iterator[tuple[str, str]]:
    """Yield language and slug of articles that link to one which has moved away from them, before its page says so no more."""
    tag, present = one.language, {other.slug for other in found if other}
    link = f'href="{_url(settings.publication, tag, one.slug)}" title='
    for slug in linked_neighbours(settings, tag, one.slug) - present:
        if link in _page(settings, tag, slug):
            yield tag, slug


def outdated_neighbours(
    settings: Settings, one: Article, found: Neighbours, links: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield language and slug of articles whose stored `links` (`prev`, `next`) to the one just written are wrong."""
    tag, url = one.language, _url(settings.publication, one.language, one.slug)
    for other, back in zip(found, reversed(LINKS), strict=True):
        link = _link(back, url, one.title)
        if other and back in links and link not in _page(settings, tag, other.slug):
            yield tag, other.slug


def links_of_pages(
    settings: Settings, one: Article, render: Callable[[Neighbours], str]
) -> set[str]:
    """Return which links the page of an article has if it has both neighbours: own templates may have none."""
    beside = AdjacentArticle(one.slug, one.title)
    page, url = render((beside, beside)), _url(settings.publication, one.language, one.slug)
    return {rel for rel in LINKS if _link(rel, url, one.title) in page}


def mark_neighbours_due(connection: Connection, pages: Iterable[tuple[str, str]]) -> None:
    by_language = defaultdict[str, set[str]](set)
    for language, slug in pages:
        by_language[language].add(slug)
    for language, slugs in by_language.items():
        for some in chunks(sorted(slugs)):
            stories = select(story.c.id).where(story.c.slug.in_(some))
            here = (article.c.language == language) & article.c.story_id.in_(stories)
            connection.execute(update(article).where(here).values(page_hash=None))


def with_adjacent_issues(page: str, previous: str | None, following: str | None) -> str:
    """Return the page of an issue with the links to its neighbours at these addresses, None for none. Pure."""

    def filled(place: re.Match[str]) -> str:
        which, words = place.groups()
        rel, url = ("prev", previous) if which == "previous" else ("next", following)
        if url is None:
            return ""
        return (
            f'<a rel="{rel}" href="{url}">{words}</a>'
            if words
            else f'<link rel="{rel}" href="{url}">'
        )

    return _PLACE.sub(filled, page)


def _url(publication: Publication, language: str, slug: str) -> str:
    return urls.public_url(publication, urls.article_path(language, slug))


def _page(settings: Settings, language: str, slug: str) -> str:
    file = settings.folders.public / urls.page_file(urls.article_path(language, slug))
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def _link(rel: str, url: str, title: str) -> str:
    return f'<link rel="{rel}" href="{url}" title="{escape(title)}">'
