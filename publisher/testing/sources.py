"""A source that shows only its newest items, as a feed does, and records how it was polled.

List its kind for the time of a test, then publish at an address that publication.toml names:

    SOURCE_KINDS["recent"] = RECENT_ITEMS
    site = RecentItemsSource("https://example.org/recent")
    site.publish("tides", document)

    [[source]]
    kind = "recent"
    name = "The coast"
    url = "https://example.org/recent"
"""

from __future__ import annotations

from itertools import count, islice
from pathlib import PurePosixPath
from weakref import WeakValueDictionary

from publisher.config import Settings, SourceSettings
from publisher.config.kinds import Kind
from publisher.config.values import WebAddress
from publisher.errors import ArticleError, SourceError
from publisher.ingest.parsers import SourceDocument
from publisher.ingest.sources.base import Item, Listing, RawItem


class RecentItemsSettings(SourceSettings):
    """A site, by its address."""

    url: WebAddress

    @property
    def place(self) -> str:
        """The address."""
        return self.url


class RecentItemsSource:
    """A site of Markdown documents at an address, which shows the newest `shown` of them."""

    def __init__(self, url: str, shown: int = 20) -> None:
        self.shown = shown
        self.is_reachable = True
        # The mark of each poll, in order. The mark of a listing is the number of polls so far.
        self.marks: list[str] = []
        # The keys that were read, in order.
        self.read_keys: list[str] = []
        # By key, newest first; each with the number of its revision.
        self._documents: dict[str, tuple[str, int]] = {}
        self._revisions = count()
        # Keys that all later polls report as deleted.
        self._deleted: list[str] = []
        _SITES[url] = self

    def publish(self, key: str, document: str) -> None:
        """Publish a document as the newest, or edit one in its place."""
        revision = (document, next(self._revisions))
        if key in self._documents:
            self._documents[key] = revision
        else:
            self._documents = {key: revision, **self._documents}

    def delete(self, key: str) -> None:
        """Delete a document, and report it at every later poll."""
        del self._documents[key]
        self._deleted.append(key)

    def poll(self, mark: str) -> Listing:
        """Return the newest items, whatever was shown before."""
        self._check_reachable()
        self.marks.append(mark)
        newest = islice(self._documents.items(), self.shown)
        items = [Item(key, str(revision)) for key, (_document, revision) in newest]
        return Listing(items, False, str(len(self.marks)), tuple(self._deleted))

    def read(self, item: Item) -> RawItem:
        """Return a document as it is now."""
        self._check_reachable()
        self.read_keys.append(item.key)
        if item.key not in self._documents:
            raise ArticleError("was deleted while it was being read")
        content = self._documents[item.key][0].encode()
        return RawItem(SourceDocument(PurePosixPath(f"{item.key}.md"), content))

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise SourceError("the site can't be reached")


_SITES: WeakValueDictionary[str, RecentItemsSource] = WeakValueDictionary()


def open_recent_items(options: RecentItemsSettings, _settings: Settings) -> RecentItemsSource:
    """Return the site at the address; raise SourceError if there is none."""
    found = _SITES.get(options.url)
    if found is None:
        raise SourceError(f"{options.url}: no such site")
    return found


RECENT_ITEMS = Kind(RecentItemsSettings, f"{__name__}:open_recent_items")
