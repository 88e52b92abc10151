"""What stands beside the feeds: how to subscribe, the list of all feeds, the stylesheets.

A page is made with its feed; the rest when what it depends on has changed. Knows no
document of a feed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import structlog

from feeds.opml import Outline, OutlineGroup, render_opml
from publisher import build_cache, urls
from publisher.config import Publication, Settings
from publisher.database import Database
from publisher.errors import RenderingError
from publisher.files import write_if_changed
from publisher.languages import autonym
from publisher.rendering import (
    ArticleView,
    FeedContent,
    FeedGroup,
    FeedPageLink,
    LanguageLink,
    Renderer,
    views,
)
from publisher.syndication import channels, feed_files, feed_index, feed_window
from publisher.syndication.entry_builder import StoredEntry
from publisher.syndication.feed_index import Feed
from publisher.web_files import write_page

log = structlog.get_logger()

# Enough to see whether a feed is worth following; the rest is in the feed.
_ARTICLES_ON_PAGE = 5


class FeedPages:
    """Writes what stands beside the feeds, in one turn of the press."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        renderer: Renderer,
        now: datetime,
    ) -> None:
        self._settings = settings
        self._database = database
        self._renderer = renderer
        self._now = now
        with database.reading() as connection:
            self._listed = feed_index.visible_feeds(connection, settings.publication.languages)

    def write_common(self, look: str) -> list[str]:
        """Write what is not of one feed; gives what went wrong."""
        try:
            self._styles(look)
            self._list()
        except (RenderingError, OSError) as error:
            log.error("feeds' list or styles left as they were", reason=str(error))
            return [f"feeds/: {error}"]
        return []

    def write_page(self, one: Feed) -> None:
        """Write the page of one feed; raises RenderingError, or OSError."""
        publication = self._settings.publication
        with self._database.reading() as connection:
            closed = feed_window.last_archived_position(connection, one.id)
            newest = feed_window.newest_entries(
                connection, one.id, closed, _ARTICLES_ON_PAGE, self._now
            )
        language = one.language or publication.default_language
        house = views.publication_view(publication, language)
        content = self._content(one, newest)
        lines = views.feed_lines(publication, language)
        page = self._renderer.feed_page(house, content, lines)
        write_page(self._settings, urls.page_file(channels.subscribe_page_path(one)), page)

    def _content(self, one: Feed, newest: Sequence[StoredEntry]) -> FeedContent:
        publication = self._settings.publication
        language = one.language or publication.default_language
        several = len(publication.languages) > 1 and one.kind != "all"
        own = publication.title(language)
        return FeedContent(
            kind=one.kind,
            title=one.title or own,
            description="" if one.kind == "author" else publication.description(language),
            affiliation=one.affiliation,
            language=one.language or None,
            url=channels.subscribe_page_url(publication, one),
            formats=views.feed_addresses(publication, one.name),
            articles=tuple(map(self._item, sorted(newest, key=_date, reverse=True))),
            others=tuple(group for group in self._groups(one) if group.links),
            sisters=_sisters(publication, one),
            opml_url=urls.absolute_url(publication, urls.opml_path()),
            all_url=urls.absolute_url(publication, urls.all_feeds_page_path())
            if several
            else None,
        )

    def _item(self, one: StoredEntry) -> ArticleView:
        language = one.article.language
        return views.article_view(
            self._settings.publication, one.article, language, one.versions
        )

    def _groups(self, one: Feed) -> Iterator[FeedGroup]:
        publication = self._settings.publication
        if one.kind == "all":
            languages = [feed for feed in self._listed if feed.kind == "language"]
            languages.sort(key=lambda feed: publication.languages.index(feed.language))
            yield FeedGroup(kind="language", links=tuple(map(self._link, languages)))
        if one.kind == "language":
            for kind in ("topic", "author"):
                ours = [f for f in self._listed if (f.kind, f.language) == (kind, one.language)]
                ours.sort(key=lambda feed: (feed.title.casefold(), feed.name))
                yield FeedGroup(kind=kind, links=tuple(map(self._link, ours)))

    def _link(self, one: Feed) -> FeedPageLink:
        publication = self._settings.publication
        return FeedPageLink(
            title=one.title or autonym(one.language),
            url=channels.subscribe_page_url(publication, one),
            language=None if one.title else one.language,
        )

    def _styles(self, look: str) -> None:
        """Write each language's stylesheet, if templates or the publication's words changed."""
        publication = self._settings.publication
        made_from = build_cache.hash_inputs(publication, look)
        paths = {
            language: self._settings.folders.public / urls.feed_style_path(language)
            for language in publication.languages
        }
        with self._database.reading() as connection:
            same = build_cache.cached_hash(connection, "feeds/styles") == made_from
        if same and all(path.is_file() for path in paths.values()):
            return
        for language, path in paths.items():
            style = self._renderer.feed_style(views.publication_view(publication, language))
            write_if_changed(path, style.encode())
        with self._database.writing() as connection:
            build_cache.store_hash(connection, "feeds/styles", made_from)

    def _list(self) -> None:
        """Write the list of all feeds (OPML), if there are others than there were."""
        publication = self._settings.publication
        listed = [(one.name, one.title, one.affiliation) for one in self._listed]
        made_from = build_cache.hash_inputs(publication, listed)
        path = self._settings.folders.public / urls.opml_path()
        with self._database.reading() as connection:
            if (
                build_cache.cached_hash(connection, "feeds/list") == made_from
                and path.is_file()
            ):
                return
        document = feed_files.FeedFile(urls.opml_path(), self._opml())
        feed_files.write_feed_file(self._settings, document)
        with self._database.writing() as connection:
            build_cache.store_hash(connection, "feeds/list", made_from)

    def _opml(self) -> bytes:
        publication = self._settings.publication
        groups: list[OutlineGroup | Outline] = []
        for language in publication.languages:
            ours = [one for one in self._listed if one.language == language]
            ours.sort(key=lambda one: (one.kind != "language", one.kind, one.title.casefold()))
            outlines = tuple(_outline(publication, one) for one in ours)
            groups.append(OutlineGroup(text=autonym(language), outlines=outlines))
        groups += [_outline(publication, one) for one in self._listed if one.kind == "all"]
        moments = [one.updated_at for one in self._listed if one.updated_at]
        return render_opml(
            publication.title(publication.default_language),
            groups,
            updated=max(moments, default=datetime(publication.since, 1, 1, tzinfo=UTC)),
        )


def _date(one: StoredEntry) -> datetime:
    return one.article.published_at


def _sisters(publication: Publication, one: Feed) -> tuple[LanguageLink, ...]:
    if one.kind != "language":
        return ()
    return tuple(
        LanguageLink(
            language=other, url=urls.absolute_url(publication, urls.feed_page_path(other))
        )
        for other in publication.languages
        if other != one.language
    )


def _outline(publication: Publication, one: Feed) -> Outline:
    return Outline(
        text=channels.feed_title(publication, one),
        xml_url=urls.absolute_url(publication, urls.feed_path(one.name, "rss.xml")),
        html_url=channels.subscribe_page_url(publication, one),
        language=one.language or None,
        description=channels.feed_description(publication, one) or None,
        version="RSS2",
    )
