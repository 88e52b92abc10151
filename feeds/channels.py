"""Channel: one document of a feed, in any format: the subscription document, or an archive document (RFC 5005 section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from feeds import normalisation
from feeds.entries import Author, Entry, Link
from feeds.errors import DuplicateEntryError, InvalidChannelError
from feeds.formats import ARCHIVE_FORMAT, FEED_FORMATS, FeedFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A withdrawn entry (RFC 6721): its id and when it was withdrawn."""

    entry_id: str
    when: datetime

    def __post_init__(self) -> None:
        entry_id = normalisation.identity(self.entry_id)
        normalisation.set_fields(
            self, entry_id=entry_id, when=normalisation.utc_seconds(self.when, "when", entry_id)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PodcastShow:
    """What podcast directories require. `category` is one of Apple's, or "Category > Subcategory"; `image` a square JPEG or PNG."""

    category: str | None = None
    explicit: bool = False
    image: str | None = None
    owner_name: str | None = None
    owner_email: str | None = None

    def __post_init__(self) -> None:
        normalisation.set_fields(
            self,
            category=normalisation.optional_line(self.category),
            image=normalisation.optional_uri(self.image),
            owner_name=normalisation.optional_line(self.owner_name),
            owner_email=normalisation.optional_line(self.owner_email),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One document of one feed.

    `addresses` are the URLs of this document, by the name of the format. `previous` and `following` are those of the
    archive documents before and after it, `current` that of the subscription document, all in Atom. A channel with
    `current` is an archive document, which exists in Atom alone. `language` is the language of title and description.
    It is also the language of the entries, unless the channel is `mixed`: then each entry states its own.
    `other_languages` are the same feed in other languages. `page_url` is a page that says how to subscribe. `hubs`
    are WebSub hubs. `stylesheet` is the address of a CSS file, absolute or from the root. `icon` is a square picture.
    `note` is HTML for people who open the document in a browser, where CSS can show no link; feed readers ignore it.
    `ttl` is in minutes. Entries stay in the order given. A blank description becomes the title. A tombstone may stand
    beside an entry of its id: the words that replace the withdrawn ones for readers that know no tombstones. Raises
    InvalidChannelError if title or author are blank, if two entries have the same id, if the channel is empty and has
    no `updated`, if `ttl` is not above 0, or if addresses lack a format that the document has.
    """

    id: str
    title: str
    description: str
    site_url: str
    addresses: Mapping[str, str]
    language: str
    entries: tuple[Entry, ...]
    author: Author
    updated: datetime | None
    mixed: bool = False
    previous: str | None = None
    following: str | None = None
    current: str | None = None
    tombstones: tuple[Tombstone, ...] = ()
    other_languages: tuple[Link, ...] = ()
    page_url: str | None = None
    hubs: tuple[str, ...] = ()
    stylesheet: str | None = None
    icon: str | None = None
    note: str = ""
    ttl: int | None = None
    podcast: PodcastShow | None = None

    def _check(self, channel_id: str, title: str) -> None:
        if not title:
            raise InvalidChannelError(channel_id, "its title is blank")
        if not self.author.name:
            raise InvalidChannelError(channel_id, "its author is blank")
        if self.ttl is not None and self.ttl <= 0:
            problem = f"its ttl is {self.ttl}, not a time in minutes"
            raise InvalidChannelError(channel_id, problem)

    def __post_init__(self) -> None:
        channel_id, title = normalisation.identity(self.id), normalisation.label(self.title)
        self._check(channel_id, title)
        normalisation.set_fields(
            self,
            entries=_distinct(self.entries, channel_id),
            tombstones=tuple(dict.fromkeys(self.tombstones)),
            previous=normalisation.optional_uri(self.previous),
            following=normalisation.optional_uri(self.following),
            current=normalisation.optional_uri(self.current),
        )
        normalisation.set_fields(
            self,
            id=channel_id,
            addresses=self._complete(channel_id),
            title=title,
            description=normalisation.label(self.description) or title,
            site_url=normalisation.absolute_uri(self.site_url),
            language=normalisation.language_tag(self.language),
            updated=self._last_change(channel_id),
            other_languages=tuple(self.other_languages),
            page_url=normalisation.optional_uri(self.page_url),
            hubs=tuple(dict.fromkeys(normalisation.absolute_uri(hub) for hub in self.hubs)),
            stylesheet=normalisation.optional_line(self.stylesheet),
            icon=normalisation.optional_uri(self.icon),
            note=normalisation.clean_html(self.note),
        )

    @property
    def last_updated(self) -> datetime:
        return self.updated or self._last_change(self.id)

    @property
    def is_archive(self) -> bool:
        return self.current is not None

    def _complete(self, channel_id: str) -> dict[str, str]:
        needed = {ARCHIVE_FORMAT} if self.is_archive else {one.name for one in FEED_FORMATS}
        if missing := needed - self.addresses.keys():
            raise InvalidChannelError(channel_id, f"it has no address for {sorted(missing)}")
        return {
            name: normalisation.absolute_uri(address)
            for name, address in self.addresses.items()
        }

    def _last_change(self, channel_id: str) -> datetime:
        moments = [entry.updated for entry in self.entries]
        moments += [tombstone.when for tombstone in self.tombstones]
        if self.updated is not None:
            moments.append(
                normalisation.utc_seconds(
                    self.updated, "updated", channel_id, InvalidChannelError
                )
            )
        if not moments:
            raise InvalidChannelError(channel_id, "it has no entries, so it needs `updated`")
        return max(moments)


def _distinct(entries: tuple[Entry, ...], channel_id: str) -> tuple[Entry, ...]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise DuplicateEntryError(channel_id, entry.id)
        seen.add(entry.id)
    return tuple(entries)


def render(feed_format: FeedFormat, channel: Channel) -> bytes:
    """Return the channel as a document in UTF-8. Raise InvalidChannelError for an archive in another format than Atom."""
    if channel.is_archive and feed_format.name != ARCHIVE_FORMAT:
        raise InvalidChannelError(channel.id, "an archive document exists in Atom alone")
    document: bytes = import_module(feed_format.module).render(channel)
    return document
