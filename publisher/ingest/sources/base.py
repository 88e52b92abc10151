"""The interface of a source: its items, and the content of one. Kinds: `publisher.config.sources.SOURCE_KINDS`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

from publisher.articles.model import MediaFile
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers.document import SourceDocument
from publisher.ingest.sites.base import LeftOut


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a source: a document, or a file that documents show.

    `key` is stable within the source: a path, the id of an entry. `signature` changes whenever the
    content does; an item with an empty one is always read.
    """

    key: str
    signature: str
    is_document: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """The items that a source shows at one poll, each key once.

    An item that a complete listing lacks is withdrawn. An incomplete one, such as a feed of the newest entries,
    withdraws only the keys in `withdrawn`. `mark` is the source's note of how far this poll read; the next poll has it
    as its argument. With `read_all`, what all items mean has changed, so that even unchanged ones must be read again.
    `left_out` counts the files that are no items. With `is_site`, readers know the items from elsewhere.

    `pages` are the files of a site's other pages, with their signatures, and `generated` the patterns of
    what its generator makes: links to anything else lead nowhere.
    """

    items: Iterable[Item]
    is_complete: bool
    mark: str = ""
    withdrawn: Collection[str] = ()
    read_all: bool = False
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)
    is_site: bool = False
    pages: Mapping[str, str] = field(default_factory=dict)
    generated: tuple[str, ...] = ("**",)


class ItemFiles(MediaLibrary, Protocol):
    """The pictures and attachments of one document."""

    @property
    def requested(self) -> tuple[str, ...]:
        """The keys of all files that were requested, whether they exist or not."""
        ...

    def publish(self, media: MediaFile, public: Path) -> None:
        """Put a requested file at its target below the web root `public`.

        Raises OSError if it can't be written, ArticleError if it is not the file that was read.
        """
        ...


class NoFiles:
    """The files of a document that has none beside it; its pictures have addresses."""

    requested: tuple[str, ...] = ()

    def picture_bytes(self, path: PurePosixPath) -> None:
        """Return None: there is no file."""

    size = inspect = picture_bytes

    def publish(self, media: MediaFile, public: Path) -> None:
        """Raise: no file was found."""
        raise LookupError(f"{media.path}: not found, so it can't be put below {public}")


@dataclass(frozen=True, slots=True)
class RawItem:
    """The content of one item: a document for the parsers, and the files beside it."""

    document: SourceDocument
    files: ItemFiles = field(default_factory=NoFiles)
    # Says since when the document has been known, for one without a date; None if nobody knows.
    known_since: Callable[[], datetime | None] = lambda: None
    siblings: tuple[str, ...] = ()  # the keys of items whose names differ only in the language
    is_archive: bool = False  # it was there before the source was read, so no issue carries it
    whole: str = ""  # as HTML, what the source has of the text, if the article is its beginning


class Source(Protocol):
    """A place where articles come from. Its kind is listed in `publisher.config.sources`.

    Both methods raise SourceError if the source can't be reached: then nothing is withdrawn.
    """

    def poll(self, mark: str) -> Listing:
        """Return the items since a mark; an empty mark means all that can be shown."""
        ...

    def read(self, item: Item) -> RawItem:
        """Return the content of a document; raise ArticleError if this one can't be read."""
        ...
