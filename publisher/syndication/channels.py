"""From a feed and its entries to one of its documents: titles, addresses, links. Pure.

Knows no database, no file and no format's elements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import feeds
from publisher import urls
from publisher.config import Publication, Settings
from publisher.languages import autonym
from publisher.syndication.feed_index import Feed


@dataclass(frozen=True, slots=True)
class Contents:
    """What one document of a feed holds, in any order, and what was withdrawn from it."""

    entries: tuple[feeds.Entry, ...]
    tombstones: tuple[feeds.Tombstone, ...]


def subscription_channel(
    settings: Settings, feed: Feed, contents: Contents, newest_archive: int
) -> feeds.Channel:
    """Make the document that readers poll; `newest_archive` is 0 if there is no archive."""
    publication = settings.publication
    return replace(
        _channel(settings, feed, contents, _current(publication, feed), feed.updated_at),
        previous=_archived(publication, feed, newest_archive) if newest_archive else None,
        hubs=settings.feeds.hubs,
    )


def archive_channel(
    settings: Settings, feed: Feed, contents: Contents, number: int
) -> feeds.Channel:
    """Make an archive document (RFC 5005 section 4): the `number`th from the oldest.

    It names its successor before there is one, since it is never written again for that. It
    names no hub: nothing is to be told of it.
    """
    publication = settings.publication
    return replace(
        _channel(settings, feed, contents, _archived(publication, feed, number), None),
        previous=_archived(publication, feed, number - 1) if number > 1 else None,
        following=_archived(publication, feed, number + 1),
        current=_current(publication, feed),
    )


def feed_title(publication: Publication, feed: Feed) -> str:
    """Name a feed for its readers; no two feeds of a publication have one name."""
    if feed.kind == "all":
        languages = ", ".join(map(autonym, publication.languages))
        return f"{publication.title(publication.default_language)} ({languages})"
    own = publication.title(feed.language)
    return own if feed.kind == "language" else f"{own}: {feed.title}"


def feed_description(publication: Publication, feed: Feed) -> str:
    """Say what a feed is about: of an author, the affiliation."""
    language = feed.language or publication.default_language
    return feed.affiliation or publication.description(language)


def subscribe_page_url(publication: Publication, feed: Feed) -> str:
    """Give the address of the page that says how to subscribe."""
    return urls.absolute_url(publication, subscribe_page_path(feed))


def subscribe_page_path(feed: Feed) -> str:
    """Give the path of that page."""
    if feed.kind == "all":
        return urls.all_feeds_page_path()
    return urls.feed_page_path(feed.language, feed.page)


def stylesheet_href(publication: Publication, language: str) -> str:
    """Give a stylesheet's address from the root, so that a copy of the site works by itself."""
    return urlsplit(urls.absolute_url(publication, urls.feed_style_path(language))).path


def _channel(
    settings: Settings,
    feed: Feed,
    contents: Contents,
    addresses: feeds.FormatUrls,
    updated: datetime | None,
) -> feeds.Channel:
    publication = settings.publication
    own = feed.language or publication.default_language
    empty = not contents.entries and not contents.tombstones
    # An empty feed has changed last when the publication began.
    beginning = datetime(publication.since, 1, 1, tzinfo=UTC) if empty else None
    return feeds.Channel(
        id=feed.tag,
        title=feed_title(publication, feed),
        description=feed_description(publication, feed),
        site_url=_site(publication, feed),
        addresses=addresses,
        language=own,
        mixed=feed.kind == "all",
        entries=_newest_first(contents.entries),
        tombstones=contents.tombstones,
        author=_author(publication, feed),
        updated=updated or beginning,
        other_languages=_other_languages(publication, feed),
        page_url=subscribe_page_url(publication, feed),
        stylesheet=stylesheet_href(publication, own),
        ttl=settings.feeds.ttl,
        podcast=_podcast(settings),
    )


def _newest_first(entries: tuple[feeds.Entry, ...]) -> tuple[feeds.Entry, ...]:
    """Put entries in the order of their dates, as those expect who show the first few only."""
    return tuple(sorted(entries, key=lambda one: (-one.published.timestamp(), one.id)))


def _site(publication: Publication, feed: Feed) -> str:
    path = urls.home_path(feed.language) if feed.language else ""
    return urls.absolute_url(publication, path)


def _author(publication: Publication, feed: Feed) -> feeds.Author:
    if feed.kind == "author":
        return feeds.Author(name=feed.title, affiliation=feed.affiliation)
    return feeds.Author(name=publication.title(feed.language or publication.default_language))


def _current(publication: Publication, feed: Feed) -> feeds.FormatUrls:
    paths = {form.name: urls.feed_path(feed.name, form.suffix) for form in feeds.FEED_FORMATS}
    return _addresses(publication, paths)


def _archived(publication: Publication, feed: Feed, number: int) -> feeds.FormatUrls:
    paths = {
        form.name: urls.feed_archive_path(feed.name, number, form.suffix)
        for form in feeds.FEED_FORMATS
    }
    return _addresses(publication, paths)


def _addresses(publication: Publication, paths: dict[str, str]) -> feeds.FormatUrls:
    return feeds.FormatUrls(
        **{name: urls.absolute_url(publication, path) for name, path in paths.items()}
    )


def _other_languages(publication: Publication, feed: Feed) -> tuple[feeds.Link, ...]:
    if feed.kind not in {"language", "all"}:
        return ()  # whether a topic has the same name elsewhere, nobody has said
    return tuple(
        feeds.Link(
            url=urls.absolute_url(publication, urls.feed_path(other, form.suffix)),
            language=other,
            title=publication.title(other),
            type=form.media_type,
        )
        for other in publication.languages
        if other != feed.language
        for form in feeds.FEED_FORMATS
    )


def _podcast(settings: Settings) -> feeds.PodcastShow:
    podcast = settings.feeds.podcast
    owner = podcast.owner or settings.publication.sender
    return feeds.PodcastShow(
        category=podcast.category,
        explicit=podcast.explicit,
        image=podcast.image,
        owner_name=owner.name or None,
        owner_email=owner.address,
    )
