"""The documents of a feed: build their feeds.Channel, render and write them, find missing files."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feeds
from feeds.formats import format_named
from publisher import urls, web_files
from publisher.config import Publication, Settings
from publisher.files import write_if_changed
from publisher.languages import autonym
from publisher.syndication.feed_index import Feed


@dataclass(frozen=True, slots=True)
class FeedFile:
    """A document of a feed in a format, compressed if many ask for it; `address` is None for an archive document."""

    path: str
    content: bytes
    address: str | None = None
    has_copies: bool = False

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:32]


def subscription_channel(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
    newest_archive: int,
    note: str = "",
) -> feeds.Channel:
    publication = settings.publication
    return feeds.Channel(
        **_common(settings, feed, entries, tombstones),
        addresses=_current(publication, feed),
        updated=feed.updated_at or _beginning(publication, entries, tombstones),
        previous=_archive_url(publication, feed, newest_archive) if newest_archive else None,
        hubs=settings.feeds.hubs,
        other_languages=_other_languages(publication, feed),
        note=note,
    )


def archive_channel(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
    number: int,
) -> feeds.Channel:
    """Return an archive document; the oldest has number 1. It links to the next one before that exists, and has no hubs."""
    publication = settings.publication
    return feeds.Channel(
        **_common(settings, feed, entries, tombstones),
        addresses={feeds.ARCHIVE_FORMAT: _archive_url(publication, feed, number)},
        updated=_beginning(publication, entries, tombstones),
        previous=_archive_url(publication, feed, number - 1) if number > 1 else None,
        following=_archive_url(publication, feed, number + 1),
        current=_current(publication, feed)[feeds.ARCHIVE_FORMAT],
    )


def by_date(entries: Sequence[feeds.Entry]) -> tuple[feeds.Entry, ...]:
    return tuple(sorted(entries, key=lambda e: (-e.published.timestamp(), e.id)))


def has_texts(settings: Settings, feed: Feed, *, archived: bool) -> bool:
    content = settings.feeds.content
    in_languages = {"archives"} if archived else {"archives", "full"}
    return content == "everywhere" or (feed.kind == "language" and content in in_languages)


def feed_title(publication: Publication, feed: Feed) -> str:
    if feed.kind == "all":
        languages = ", ".join(map(autonym, publication.languages))
        return f"{publication.title(publication.default_language)} ({languages})"
    own = publication.title(feed.language)
    if feed.kind == "recordings":
        return feed.title
    return own if feed.kind == "language" else f"{own}: {feed.title}"


def feed_description(publication: Publication, feed: Feed) -> str:
    language = feed.language or publication.default_language
    return feed.affiliation or publication.description(language)


def subscribe_page_url(publication: Publication, feed: Feed) -> str:
    return urls.public_url(publication, subscribe_page_path(feed))


def subscribe_page_path(feed: Feed) -> str:
    if feed.kind == "all":
        return urls.all_feeds_page_path()
    return urls.feed_page_path(feed.language, feed.page)


def render_subscription(channel: feeds.Channel, feed: Feed) -> Iterator[FeedFile]:
    for form in feeds.FEED_FORMATS:
        path = urls.feed_path(feed.name, form.suffix)
        content, address = feeds.render(form, channel), channel.addresses[form.name]
        yield FeedFile(path, content, address, has_copies=feed.is_whole)


def render_archive(channel: feeds.Channel, feed: Feed, number: int) -> FeedFile:
    form = format_named(feeds.ARCHIVE_FORMAT)
    return FeedFile(_archive_path(feed.name, number), feeds.render(form, channel))


def write_feed_file(settings: Settings, file: FeedFile) -> bool:
    path = settings.folders.public / file.path
    if file.has_copies and settings.feeds.precompressed:
        return web_files.write_with_copies(path, file.content)
    if file.has_copies:
        web_files.remove_copies(path)  # of before: nginx would go on sending them
    return write_if_changed(path, file.content)


def submit_feed_file(executor: Executor, settings: Settings, file: FeedFile) -> Future[bool]:
    """Write a document in another thread: most of the time goes to compression and the disk."""
    return executor.submit(copy_context().run, write_feed_file, settings, file)


def feeds_missing_files(settings: Settings, known: Iterable[Feed]) -> set[str]:
    """Return the names of feeds that lack a file of a subscription document. Lists each folder once."""
    listed: dict[str, frozenset[str]] = {}
    found = set()
    for one in known:
        copies = web_files.COMPRESSORS if one.is_whole and settings.feeds.precompressed else ()
        for form in feeds.FEED_FORMATS:
            folder, _, name = urls.feed_path(one.name, form.suffix).rpartition("/")
            if folder not in listed:
                listed[folder] = _file_names(settings.folders.public / folder)
            if not listed[folder].issuperset((name, *(name + end for end in copies))):
                found.add(one.name)
    return found


def archives_missing_files(settings: Settings, name: str, newest: int) -> list[int]:
    present = _file_names(_archive_file(settings, name, 1).parent)
    return [
        number
        for number in range(1, newest + 1)
        if _archive_file(settings, name, number).name not in present
    ]


def remove_unrecorded_archives(settings: Settings, name: str, newest: int) -> None:
    """Remove archive documents that were written but not recorded: their entries may have been withdrawn since."""
    for number in count(newest + 1):
        if not web_files.remove_with_copies(_archive_file(settings, name, number)):
            return


def _archive_file(settings: Settings, name: str, number: int) -> Path:
    return settings.folders.public / _archive_path(name, number)


def _archive_path(name: str, number: int) -> str:
    return urls.feed_archive_path(name, number, format_named(feeds.ARCHIVE_FORMAT).suffix)


def _common(
    settings: Settings,
    feed: Feed,
    entries: Sequence[feeds.Entry],
    tombstones: Sequence[feeds.Tombstone],
) -> dict[str, Any]:
    publication = settings.publication
    own = feed.language or publication.default_language
    home = urls.home_path(feed.language) if feed.language else ""
    if feed.kind == "issues":
        home = urls.newsletter_path(feed.language, feed.label)
    return {
        "id": feed.tag,
        "title": feed_title(publication, feed),
        "description": feed_description(publication, feed),
        "site_url": urls.public_url(publication, home),
        "language": own,
        "mixed": feed.kind == "all",
        "entries": by_date(entries),  # for software that shows only the first few
        "tombstones": tuple(tombstones),
        "author": _author(publication, feed),
        "page_url": subscribe_page_url(publication, feed),
        # From the root, so that it also works in a copy of the site.
        "stylesheet": urlsplit(urls.public_url(publication, urls.feed_style_path(own))).path,
        "ttl": settings.feeds.ttl,
        "icon": urls.public_url(publication, urls.icon_path()),
        "podcast": _podcast(settings, own),
    }


def _beginning(publication: Publication, *contents: Sequence[object]) -> datetime | None:
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


def _archive_url(publication: Publication, feed: Feed, number: int) -> str:
    return urls.public_url(publication, _archive_path(feed.name, number))


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


def _podcast(settings: Settings, language: str) -> feeds.PodcastShow:
    podcast = settings.feeds.podcast
    owner = podcast.owner or settings.publication.sender_in(language)
    show = podcast.model_dump(exclude={"owner"})
    return feeds.PodcastShow(**show, owner_name=owner.name, owner_email=owner.address)


def _file_names(folder: Path) -> frozenset[str]:
    return frozenset(os.listdir(folder)) if folder.is_dir() else frozenset()  # noqa: PTH208 -- iterdir is slower
