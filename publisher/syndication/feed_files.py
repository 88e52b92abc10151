"""Documents of feeds as files: which, where, and that they are there. Knows no database."""

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
    """One file of a feed; `address` is where it is polled, None for what nobody polls."""

    path: str
    content: bytes
    address: str | None = None

    @property
    def digest(self) -> str:
        """Say in few letters what it holds."""
        return hashlib.sha256(self.content).hexdigest()[:32]


def render_subscription(channel: feeds.Channel, feed: Feed) -> Iterator[FeedFile]:
    """Render what readers poll, in every format."""
    for form in feeds.FEED_FORMATS:
        path = urls.feed_path(feed.name, form.suffix)
        address = str(getattr(channel.addresses, form.name))
        yield FeedFile(path, form.render(channel), address)


def render_archive(channel: feeds.Channel, feed: Feed, number: int) -> Iterator[FeedFile]:
    """Render an archive document in every format."""
    for form in feeds.FEED_FORMATS:
        path = urls.feed_archive_path(feed.name, number, form.suffix)
        yield FeedFile(path, form.render(channel))


def write_feed_file(settings: Settings, document: FeedFile) -> bool:
    """Put a document and its compressed copies in place; says if it changed."""
    return write_with_copies(settings.folders.public / document.path, document.content)


def submit_feed_file(
    executor: Executor, settings: Settings, document: FeedFile
) -> Future[bool]:
    """Have a document written beside other work: packing and waiting for the disk are most of it."""
    return executor.submit(write_feed_file, settings, document)


def feeds_missing_files(settings: Settings, names: Collection[str]) -> set[str]:
    """Say of which feeds a file that is polled is not there; looks into folders, not at files."""
    seen: dict[Path, frozenset[str]] = {}
    found = set()
    for name in names:
        for form in feeds.FEED_FORMATS:
            path = settings.folders.public / urls.feed_path(name, form.suffix)
            if path.parent not in seen:
                seen[path.parent] = _names(path.parent)
            if not _with_copies(path.name) <= seen[path.parent]:
                found.add(name)
    return found


def archives_missing_files(settings: Settings, name: str, newest: int) -> list[int]:
    """List the archive documents of a feed, up to the newest, that lack a file."""
    there = _names(_archive_folder(settings, name))
    return [
        number
        for number in range(1, newest + 1)
        for form in feeds.FEED_FORMATS
        if not _with_copies(f"{number}.{form.suffix}") <= there
    ]


def remove_unrecorded_archives(settings: Settings, name: str, newest: int) -> None:
    """Remove archive documents that were written and never recorded, as when the disk was full.

    What they hold may have been withdrawn since.
    """
    for number in count(newest + 1):
        paths = (
            urls.feed_archive_path(name, number, form.suffix) for form in feeds.FEED_FORMATS
        )
        removed = [remove_with_copies(settings.folders.public / path) for path in paths]
        if not any(removed):
            return


def _archive_folder(settings: Settings, name: str) -> Path:
    return (settings.folders.public / urls.feed_archive_path(name, 1, "json")).parent


def _with_copies(name: str) -> frozenset[str]:
    return frozenset({name, *(name + suffix for suffix in COMPRESSORS)})


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()
