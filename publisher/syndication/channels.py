"""Build the feeds.Channel of a feed's documents: titles, addresses, links. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import feeds
from publisher import urls
from publisher.config import Publication, Settings
from publisher.languages import autonym
from publisher.syndication.feed_index import Feed


def subscription_channel(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
    newest_archive: int,
) -> feeds.Channel:
    """Return the document that feed readers poll; `newest_archive` is 0 if there is none."""
    publication = settings.publication
    return feeds.Channel(
        **_common(settings, feed, entries, tombstones),
        addresses=_current(publication, feed),
        updated=feed.updated_at or _beginning(publication, entries, tombstones),
        previous=_archived(publication, feed, newest_archive) if newest_archive else None,
        hubs=settings.feeds.hubs,
    )


def archive_channel(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
    number: int,
) -> feeds.Channel:
    """Return an archive document (RFC 5005 section 4); the oldest has number 1.

    It links to the next one before that exists, because it is not written again for the link. It
    has no hubs, since hubs are not notified of it.
    """
    publication = settings.publication
    return feeds.Channel(
        **_common(settings, feed, entries, tombstones),
        addresses=_archived(publication, feed, number),
        updated=_beginning(publication, entries, tombstones),
        previous=_archived(publication, feed, number - 1) if number > 1 else None,
        following=_archived(publication, feed, number + 1),
        current=_current(publication, feed),
    )


def feed_title(publication: Publication, feed: Feed) -> str:
    """Return the title of a feed, which is unique in its publication."""
    if feed.kind == "all":
        languages = ", ".join(map(autonym, publication.languages))
        return f"{publication.title(publication.default_language)} ({languages})"
    own = publication.title(feed.language)
    return own if feed.kind == "language" else f"{own}: {feed.title}"


def feed_description(publication: Publication, feed: Feed) -> str:
    """Return the description of a feed: of an author's feed, the affiliation."""
    language = feed.language or publication.default_language
    return feed.affiliation or publication.description(language)


def subscribe_page_url(publication: Publication, feed: Feed) -> str:
    """Return the address of the page that says how to subscribe to a feed."""
    return urls.public_url(publication, subscribe_page_path(feed))


def subscribe_page_path(feed: Feed) -> str:
    """Return the path of the page that says how to subscribe to a feed."""
    if feed.kind == "all":
        return urls.all_feeds_page_path()
    return urls.feed_page_path(feed.language, feed.page)


def _common(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
) -> dict[str, Any]:
    """Return what subscription and archive documents have in common."""
    publication = settings.publication
    own = feed.language or publication.default_language
    home = urls.home_path(feed.language) if feed.language else ""
    return {
        "id": feed.tag,
        "title": feed_title(publication, feed),
        "description": feed_description(publication, feed),
        "site_url": urls.public_url(publication, home),
        "language": own,
        "mixed": feed.kind == "all",
        # By date, newest first, for software that shows only the first few.
        "entries": tuple(sorted(entries, key=lambda e: (-e.published.timestamp(), e.id))),
        "tombstones": tuple(tombstones),
        "author": _author(publication, feed),
        "other_languages": _other_languages(publication, feed),
        "page_url": subscribe_page_url(publication, feed),
        # From the root, so that it also works in a copy of the site.
        "stylesheet": urlsplit(urls.public_url(publication, urls.feed_style_path(own))).path,
        "ttl": settings.feeds.ttl,
        "podcast": _podcast(settings),
    }


def _beginning(publication: Publication, *contents: Sequence[object]) -> datetime | None:
    """Return the first day of the publication if a document is empty, and so has no date."""
    return None if any(contents) else datetime(publication.since, 1, 1, tzinfo=UTC)


def _author(publication: Publication, feed: Feed) -> feeds.Author:
    if feed.kind == "author":
        return feeds.Author(name=feed.title, affiliation=feed.affiliation)
    return feeds.Author(name=publication.title(feed.language or publication.default_language))


def _current(publication: Publication, feed: Feed) -> dict[str, str]:
    return {
        one.name: urls.public_url(publication, urls.feed_path(feed.name, one.suffix))
        for one in feeds.FEED_FORMATS
    }


def _archived(publication: Publication, feed: Feed, number: int) -> dict[str, str]:
    return {
        one.name: urls.public_url(
            publication, urls.feed_archive_path(feed.name, number, one.suffix)
        )
        for one in feeds.FEED_FORMATS
    }


def _other_languages(publication: Publication, feed: Feed) -> tuple[feeds.Link, ...]:
    if feed.kind not in {"language", "all"}:
        return ()  # a topic's name in another language is unknown
    return tuple(
        feeds.Link(
            url=urls.public_url(publication, urls.feed_path(other, one.suffix)),
            language=other,
            title=publication.title(other),
            type=one.media_type,
        )
        for other in publication.languages
        if other != feed.language
        for one in feeds.FEED_FORMATS
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
