"""The files of feeds: render and write them, and find missing ones."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import feeds
from publisher import urls
from publisher.config import Settings
from publisher.syndication.feed_index import Feed
from publisher.web_files import COMPRESSORS, remove_with_copies, write_with_copies


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One document of a feed in one format; `address` is None for an archive document."""

    path: str
    content: bytes
    address: str | None = None

    @property
    def digest(self) -> str:
        """The first half of the content's SHA-256, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()[:32]


def render_subscription(channel: feeds.Channel, feed: Feed) -> Iterator[FeedFile]:
    """Yield the subscription document in every format."""
    for form in feeds.FEED_FORMATS:
        path = urls.feed_path(feed.name, form.suffix)
        yield FeedFile(path, feeds.render(form, channel), channel.addresses[form.name])


def render_archive(channel: feeds.Channel, feed: Feed, number: int) -> Iterator[FeedFile]:
    """Yield an archive document in every format."""
    for form in feeds.FEED_FORMATS:
        path = urls.feed_archive_path(feed.name, number, form.suffix)
        yield FeedFile(path, feeds.render(form, channel))


def write_feed_file(settings: Settings, file: FeedFile) -> bool:
    """Write a document and its compressed copies; return whether it changed."""
    return write_with_copies(settings.folders.public / file.path, file.content)


def submit_feed_file(executor: Executor, settings: Settings, file: FeedFile) -> Future[bool]:
    """Write a document in another thread: most of the time goes to compression and the disk."""
    return executor.submit(write_feed_file, settings, file)


def feeds_missing_files(settings: Settings, names: Collection[str]) -> set[str]:
    """Return the feeds that lack a file of a subscription document. Lists each folder once."""
    listed: dict[Path, frozenset[str]] = {}
    found = set()
    for name in names:
        for form in feeds.FEED_FORMATS:
            path = settings.folders.public / urls.feed_path(name, form.suffix)
            if path.parent not in listed:
                listed[path.parent] = _file_names(path.parent)
            if not _with_copies(path.name) <= listed[path.parent]:
                found.add(name)
    return found


def archives_missing_files(settings: Settings, name: str, newest: int) -> list[int]:
    """Return the archive documents of a feed, up to the newest, that lack a file."""
    folder = (settings.folders.public / urls.feed_archive_path(name, 1, "json")).parent
    present = _file_names(folder)
    return [
        number
        for number in range(1, newest + 1)
        for form in feeds.FEED_FORMATS
        if not _with_copies(f"{number}.{form.suffix}") <= present
    ]


def remove_unrecorded_archives(settings: Settings, name: str, newest: int) -> None:
    """Remove archive documents that were written but not recorded, as when the disk was full.

    Their entries may have been withdrawn since.
    """
    for number in count(newest + 1):
        paths = (
            urls.feed_archive_path(name, number, form.suffix) for form in feeds.FEED_FORMATS
        )
        removed = [remove_with_copies(settings.folders.public / path) for path in paths]
        if not any(removed):
            return


def _with_copies(name: str) -> frozenset[str]:
    return frozenset({name, *(name + suffix for suffix in COMPRESSORS)})


def _file_names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()
