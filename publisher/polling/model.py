"""What a source on the web says, whatever its format: a feed with its entries, as values.

Texts of an entry are HTML that nobody has cleaned; titles and names are plain text. Addresses are absolute, and of
http or https. Times have a zone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.errors import SourceError

MAX_WEB_ENTRIES = 1_000  # of one document; feeds of some years' posts have hundreds


class AnswerError(SourceError):
    """An answer of a source that can't be read: what it is instead, or what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuthor:
    """An author of an entry, with an affiliation if one is stated."""

    name: str
    affiliation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebEntry:
    """One entry. `id` is what the source calls it, empty if it does not.

    `language` is the entry's own, or what its parts say, as it is written; empty if they are silent. `translations`
    are languages and addresses of the same story. `page` is the text of its page, where the feed's own is not enough. `expired` says that the source has deleted it (RFC 6721).
    """

    id: str = ""
    url: str = ""
    title: str = ""
    html: str = ""
    summary: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    language: str = ""
    authors: tuple[WebAuthor, ...] = ()
    translators: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    picture: str = ""
    translations: tuple[tuple[str, str], ...] = ()
    expired: bool = False
    page: str = ""

    @property
    def text(self) -> str:
        """The whole text, as far as it is known."""
        return self.page or self.html


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFeed:
    """A feed. `hub` and `topic` are those of WebSub.

    `following` is where older entries stand (RFC 5005, JSON Feed), `interval` how often it asks to be read.
    `skipped` are hours of the week, from Monday at 0 UTC, in which it is not to be asked. `left_out` is the number of entries beyond the limit.
    """

    title: str = ""
    language: str = ""
    hub: str = ""
    topic: str = ""
    following: str = ""
    interval: timedelta | None = None
    skipped: tuple[int, ...] = ()
    entries: tuple[WebEntry, ...] = ()
    left_out: int = 0
