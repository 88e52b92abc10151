"""Channel: one document of a feed, whatever the format.

A feed is a subscription document, which always has the newest entries, and archive documents
with all earlier ones (RFC 5005 section 4); each is a Channel. Knows neither formats nor where
articles come from, and reads no clock.
"""

from dataclasses import dataclass
from datetime import datetime

from feeds.entries import Author, Entry, Link
from feeds.errors import DuplicateEntryError, InvalidChannelError
from feeds.identifiers import absolute_uri, identity, language_tag
from feeds.text import label
from feeds.values import optional_line, optional_uri, set_fields, utc_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatUrls:
    """Where one document is published in each of the formats."""

    rss: str
    atom: str
    json: str

    def __post_init__(self) -> None:
        set_fields(
            self,
            rss=absolute_uri(self.rss),
            atom=absolute_uri(self.atom),
            json=absolute_uri(self.json),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Says that an entry was withdrawn (RFC 6721): its id, and when."""

    entry_id: str
    when: datetime

    def __post_init__(self) -> None:
        entry_id = identity(self.entry_id)
        set_fields(self, entry_id=entry_id, when=utc_seconds(self.when, "when", entry_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class PodcastShow:
    """What podcast directories want to know; only said of a channel that carries sound.

    `category` is one of Apple's, or "Category > Subcategory"; `image` a square JPEG or PNG.
    """

    category: str | None = None
    explicit: bool = False
    image: str | None = None
    owner_name: str | None = None
    owner_email: str | None = None

    def __post_init__(self) -> None:
        set_fields(
            self,
            category=optional_line(self.category),
            image=optional_uri(self.image),
            owner_name=optional_line(self.owner_name),
            owner_email=optional_line(self.owner_email),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One document of one feed.

    `language` is that of the channel's own words, and of its entries unless it is `mixed`: then
    each entry says its own. `addresses` are where this document is published. `previous` are
    those of the archive document with what came before it, `following` those of the next
    archive document, `current` those of the subscription document; a channel with `current` is
    itself an archive document. `other_languages` are the feeds of the same channel in other
    languages; `page_url` is a page that says how to subscribe; `hubs` are told of changes
    (WebSub); `stylesheet` is the address of CSS, absolute or from the root; `ttl` is in
    minutes. Entries stay in the order given. A blank description becomes the title, and a
    tombstone of what is still there, and has not changed since, is dropped.
    Raises InvalidChannelError if title or author are blank, if two entries share an id, if it
    is empty and has no `updated`, if `ttl` is not above 0, or if it names its own addresses as
    those of another document.
    """

    id: str
    title: str
    description: str
    site_url: str
    addresses: FormatUrls
    language: str
    entries: tuple[Entry, ...]
    author: Author
    updated: datetime | None
    mixed: bool = False
    previous: FormatUrls | None = None
    following: FormatUrls | None = None
    current: FormatUrls | None = None
    tombstones: tuple[Tombstone, ...] = ()
    other_languages: tuple[Link, ...] = ()
    page_url: str | None = None
    hubs: tuple[str, ...] = ()
    stylesheet: str | None = None
    ttl: int | None = None
    podcast: PodcastShow | None = None
    rights: str | None = None
    icon: str | None = None
    generator_version: str = ""

    def __post_init__(self) -> None:
        channel_id = identity(self.id)
        if not self.author.name:
            raise InvalidChannelError(channel_id, "its author is blank")
        if self.ttl is not None and self.ttl <= 0:
            raise InvalidChannelError(
                channel_id, f"its ttl is {self.ttl}, not a time in minutes"
            )
        set_fields(
            self,
            entries=_distinct(self.entries, channel_id),
            tombstones=_consistent(self.tombstones, self.entries),
        )
        set_fields(
            self,
            id=channel_id,
            title=_required(self.title, "title", channel_id),
            description=label(self.description) or label(self.title),
            site_url=absolute_uri(self.site_url),
            language=language_tag(self.language),
            updated=self._last_change(channel_id),
            other_languages=tuple(self.other_languages),
            page_url=optional_uri(self.page_url),
            hubs=tuple(dict.fromkeys(absolute_uri(hub) for hub in self.hubs)),
            stylesheet=optional_line(self.stylesheet),
            rights=optional_line(self.rights),
            icon=optional_uri(self.icon),
            generator_version=label(self.generator_version),
        )

    @property
    def last_updated(self) -> datetime:
        """When the content last changed: `updated`, or later if an entry changed later."""
        return self._last_change(self.id)

    @property
    def is_archive(self) -> bool:
        """Whether this is an archive document, and so closed (RFC 5005 section 4)."""
        return self.current is not None

    def _last_change(self, channel_id: str) -> datetime:
        moments = [entry.updated for entry in self.entries]
        moments += [tombstone.when for tombstone in self.tombstones]
        if self.updated is not None:
            moments.append(
                utc_seconds(self.updated, "updated", channel_id, InvalidChannelError)
            )
        if not moments:
            raise InvalidChannelError(
                channel_id, "has no entries, so it must say when it changed"
            )
        return max(moments)


def _required(text: str, name: str, channel_id: str) -> str:
    cleaned = label(text)
    if not cleaned:
        raise InvalidChannelError(channel_id, f"its {name} is blank")
    return cleaned


def _consistent(
    tombstones: tuple[Tombstone, ...], entries: tuple[Entry, ...]
) -> tuple[Tombstone, ...]:
    """Drop repetitions, and what says of an entry that it is gone although it is there.

    One that is older than the entry's last change stays: the entry has come back since.
    """
    if not tombstones:
        return ()
    changed = {entry.id: entry.updated for entry in entries}
    return tuple(
        one
        for one in dict.fromkeys(tombstones)
        if one.entry_id not in changed or changed[one.entry_id] > one.when
    )


def _distinct(entries: tuple[Entry, ...], channel_id: str) -> tuple[Entry, ...]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise DuplicateEntryError(channel_id, entry.id)
        seen.add(entry.id)
    return tuple(entries)
