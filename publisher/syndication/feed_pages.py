"""Write the pages that say how to subscribe, the lists of feeds (OPML) and the stylesheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Literal

from publisher import urls, web_files
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.files import explain_error, write_if_changed
from publisher.languages import autonym
from publisher.log import log
from publisher.rendering import LanguageLink, Renderer, views
from publisher.rendering.model import FeedContent, FeedGroup, FeedNoteLine, FeedPageLink
from publisher.syndication import feed_documents, feed_index, feed_window
from publisher.syndication.feed_index import Feed, FeedKind
from publisher.syndication.feed_window import StoredEntry
from publisher.web_files import write_page

if TYPE_CHECKING:
    import feeds
    from feeds.opml import Outline, OutlineGroup

_ARTICLES_ON_PAGE = 5  # enough to see what a feed is about
# Who follows such feeds and that of the language gets articles twice.
_BY_SUBJECT = frozenset({"topic", "author"})
# What these files were written from, in the build cache.
FEED_LIST, FEED_STYLES = "feeds/list", "feeds/styles"


class FeedPages:
    """Write the pages, list and stylesheets of feeds in one run."""

    def __init__(
        self, settings: Settings, database: Database, renderer: Renderer, now: datetime
    ) -> None:
        self._settings = settings
        self._database = database
        self._renderer = renderer
        self._now = now
        publication = settings.publication
        self._view = cache(partial(views.publication_view, publication))
        self._house = cache(partial(views.site_view, settings))
        with database.reading() as connection:
            visible = feed_index.feeds_in(connection, publication.languages, listed=True)
        self._listed = [
            one for one in visible if not feed_index.is_former_feed(publication, one)
        ]

    def write_common(self, templates: str) -> list[str]:
        try:
            self._write_styles(templates)
            self._write_opml()
        except (RenderingError, OSError) as error:
            reason = explain_error(error, self._settings.folders.public)
            log.error("feeds' list or styles left as they were", reason=reason)
            return [f"feeds/: {reason}"]
        return []

    def note(self, one: Feed, entries: Sequence[feeds.Entry]) -> str:
        publication = self._settings.publication
        return self._renderer.feed_note(
            self._view(one.language or publication.default_language),
            feed_documents.subscribe_page_url(publication, one),
            [
                FeedNoteLine(
                    title=entry.title,
                    url=entry.url,
                    language=entry.language,
                    day=entry.published.date(),
                )
                for entry in feed_documents.by_date(entries)
            ],
        )

    def write_feed_page(self, one: Feed) -> None:
        """Write the page of one feed; raise RenderingError or OSError. That of a former one leads to its successor's."""
        publication = self._settings.publication
        file = urls.page_file(feed_documents.subscribe_page_path(one))
        house = self._house(one.language or publication.default_language)
        if feed_index.is_former_feed(publication, one):
            successors = (
                f for f in self._listed if feed_index.is_successor(publication, one, f)
            )
            if found := next(successors, None):
                address = feed_documents.subscribe_page_url(publication, found)
                write_page(self._settings, file, self._renderer.moved_page(house, address))
                return
        with self._database.reading() as connection:
            archived = feed_window.newest_archive(connection, one.id).last
            rows = feed_window.newest_entries(connection, one.id, archived, _ARTICLES_ON_PAGE)
            newest = feed_window.stored_entries(connection, rows, self._now, with_texts=False)
        page = self._renderer.feed_page(house, self._page_content(one, newest))
        write_page(self._settings, file, page)

    def _page_content(self, one: Feed, newest: Sequence[StoredEntry]) -> FeedContent:
        publication = self._settings.publication
        language = one.language or publication.default_language
        several = len(publication.languages) > 1 and one.kind != "all"
        by_date = sorted(newest, key=lambda e: e.article.published_at, reverse=True)
        return FeedContent(
            kind=one.kind,
            title=one.title or publication.title(language),
            description="" if one.kind == "author" else publication.description(language),
            affiliation=one.affiliation,
            language=one.language or None,
            url=feed_documents.subscribe_page_url(publication, one),
            formats=views.feed_addresses(publication, one.name),
            articles=tuple(
                views.article_view(
                    publication, each.article, each.article.language, each.versions
                )
                for each in by_date
            ),
            others=tuple(group for group in self._groups(one) if group.links),
            list_url=self._list_url(one) if newest else "",
            sisters=_other_language_pages(publication, one),
            opml_url=urls.public_url(publication, urls.opml_path()),
            language_opml_url=urls.public_url(publication, urls.opml_path(language))
            if several
            else None,
            all_url=urls.public_url(publication, urls.all_feeds_page_path())
            if several
            else None,
        )

    def _list_url(self, one: Feed) -> str:
        known, path = self._settings.publication.people.key_of(one.label), ""
        if one.kind == "topic":
            path = urls.topic_path(one.label, one.language)
        elif one.kind == "author":
            slug = urls.label_slug(known or one.label)
            path = urls.list_path(one.language, "authors", slug)
        elif one.language:
            path = urls.list_path(one.language, "archive")
        return urls.public_url(self._settings.publication, path) if path else ""

    def _groups(self, one: Feed) -> Iterator[FeedGroup]:
        publication = self._settings.publication
        if one.kind == "all":
            languages = [feed for feed in self._listed if feed.kind == "language"]
            languages.sort(key=lambda feed: publication.languages.index(feed.language))
            yield FeedGroup(kind="language", links=tuple(map(self._link, languages)))
        if one.kind == "language":
            shown: dict[Literal["more", "topic", "author"], Sequence[FeedKind]]
            shown = {
                "more": ("issues", "recordings"),
                "topic": ("topic",),
                "author": ("author",),
            }
            for group, kinds in shown.items():
                ours = [
                    f for f in self._listed if f.language == one.language and f.kind in kinds
                ]
                ours.sort(key=lambda feed: (feed.title.casefold(), feed.name))
                yield FeedGroup(kind=group, links=tuple(map(self._link, ours)))

    def _link(self, one: Feed) -> FeedPageLink:
        return FeedPageLink(
            title=one.title or autonym(one.language),
            url=feed_documents.subscribe_page_url(self._settings.publication, one),
            language=None if one.title else one.language,
        )

    def _write_styles(self, templates: str) -> None:
        publication = self._settings.publication

        def style(language: str) -> bytes:
            return self._renderer.feed_style(self._view(language)).encode()

        paths = {tag: urls.feed_style_path(tag) for tag in publication.languages}
        self._write_changed(FEED_STYLES, paths, style, publication, templates)

    def _write_opml(self) -> None:
        publication = self._settings.publication

        def opml(language: str) -> bytes:
            few = (one for one in self._listed if one.kind not in _BY_SUBJECT)
            own = [one for one in few if one.language == language]
            return self._opml(
                own if language else self._listed, language or publication.default_language
            )

        paths = {tag: urls.opml_path(tag) for tag in ("", *publication.languages)}
        listed = [(one.name, one.title, one.affiliation) for one in self._listed]
        self._write_changed(FEED_LIST, paths, opml, publication, listed)

    def _write_changed(
        self,
        name: str,
        paths: Mapping[str, str],
        content: Callable[[str], bytes],
        *inputs: object,
    ) -> None:
        public, current = self._settings.folders.public, web_files.hash_inputs(*inputs)
        with self._database.reading() as connection:
            same = web_files.cached_hash(connection, name) == current
        if same and all((public / path).is_file() for path in paths.values()):
            return
        for language, path in paths.items():
            write_if_changed(public / path, content(language))
        with self._database.writing() as connection:
            web_files.store_hash(connection, name, current)

    def _opml(self, listed: Sequence[Feed], language: str) -> bytes:
        # It loads feedgen and lxml, and the list changes with the feeds' names only.
        from feeds.opml import OutlineGroup, render_opml

        publication = self._settings.publication
        groups: list[OutlineGroup | Outline] = []
        for tag in publication.languages:
            ours = [one for one in listed if one.language == tag]
            ours.sort(key=lambda one: (one.kind != "language", one.kind, one.title.casefold()))
            outlines = tuple(_outline(publication, one) for one in ours)
            groups.append(OutlineGroup(text=autonym(tag), outlines=outlines))
        groups += [_outline(publication, one) for one in listed if one.kind == "all"]
        moments = [one.updated_at for one in listed if one.updated_at]
        return render_opml(
            publication.title(language),
            groups,
            updated=max(moments, default=datetime(publication.since, 1, 1, tzinfo=UTC)),
        )


def _other_language_pages(publication: Publication, one: Feed) -> tuple[LanguageLink, ...]:
    if one.kind != "language":
        return ()
    return tuple(
        LanguageLink(
            language=other, url=urls.public_url(publication, urls.feed_page_path(other))
        )
        for other in publication.languages
        if other != one.language
    )


def _outline(publication: Publication, one: Feed) -> Outline:
    from feeds.opml import Outline

    return Outline(
        text=feed_documents.feed_title(publication, one),
        xml_url=urls.public_url(publication, urls.feed_path(one.name, "rss.xml")),
        html_url=feed_documents.subscribe_page_url(publication, one),
        language=one.language or None,
        description=feed_documents.feed_description(publication, one) or None,
    )
