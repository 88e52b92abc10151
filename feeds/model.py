"""Channel and Entry: what is published, whatever the format.

Values are put right when they are built (clean text, UTC, whole seconds, newest first), so
that all formats say the same and none needs to check. Knows neither formats nor where
articles come from, and reads no clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from feeds.errors import DuplicateEntryError, InvalidChannelError, InvalidEntryError
from feeds.identifiers import absolute_uri, identity, language_tag
from feeds.text import clean, clean_html, line


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote it, as it reads in the entry's language."""

    name: str
    affiliation: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        _settle(
            self,
            name=line(self.name),
            affiliation=_line(self.affiliation),
            url=_uri(self.url),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The same thing in another language; `type` is the media type of what is there."""

    url: str
    language: str
    title: str | None = None
    type: str | None = None

    def __post_init__(self) -> None:
        _settle(
            self,
            url=absolute_uri(self.url),
            language=language_tag(self.language),
            title=_line(self.title),
            type=_line(self.type),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The picture that stands for an entry; width and height are in pixels."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        _settle(self, url=absolute_uri(self.url), alt=line(self.alt))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One article in one language.

    `id` is a tag: URI that never changes (see `tag_uri`), `url` where it is read,
    `summary` plain text, `content_html` sanitised HTML with absolute addresses.
    `translations` are its versions in other languages. A blank title becomes the url; blank
    authors and topics are dropped; `updated` is never before `published`.
    Raises InvalidEntryError for a naive date, InvalidIdentifierError for a bad address.
    """

    id: str
    url: str
    title: str
    language: str
    published: datetime
    updated: datetime
    summary: str = ""
    content_html: str = ""
    authors: tuple[Author, ...] = ()
    topics: tuple[str, ...] = ()
    translations: tuple[Link, ...] = ()
    image: Image | None = None

    def __post_init__(self) -> None:
        entry_id = identity(self.id)
        url = absolute_uri(self.url)
        published = _utc(self.published, "published", entry_id)
        topics = (line(topic) for topic in self.topics)
        _settle(
            self,
            id=entry_id,
            url=url,
            title=line(self.title) or url,
            language=language_tag(self.language),
            published=published,
            updated=max(published, _utc(self.updated, "updated", entry_id)),
            summary=clean(self.summary).strip(),
            content_html=clean_html(self.content_html),
            authors=tuple(author for author in self.authors if author.name),
            topics=tuple(dict.fromkeys(topic for topic in topics if topic)),
            translations=tuple(self.translations),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One feed, in one language or (language None) with a language per entry.

    The three addresses are where this channel is published in each format;
    `other_languages` are the feeds of the same channel in other languages. A blank
    description becomes the title. Entries are put in order, newest first.
    Raises InvalidChannelError if id, title or author are blank, if two entries share an id,
    or if it is empty and has no `updated`.
    """

    id: str
    title: str
    description: str
    site_url: str
    rss_url: str
    atom_url: str
    json_url: str
    language: str | None
    entries: tuple[Entry, ...]
    author_name: str
    updated: datetime | None
    other_languages: tuple[Link, ...] = ()
    rights: str | None = None
    icon: str | None = None
    generator_version: str = ""

    def __post_init__(self) -> None:
        channel_id = identity(self.id)
        _settle(
            self,
            id=channel_id,
            title=_required(self.title, "title", channel_id),
            description=line(self.description) or line(self.title),
            site_url=absolute_uri(self.site_url),
            rss_url=absolute_uri(self.rss_url),
            atom_url=absolute_uri(self.atom_url),
            json_url=absolute_uri(self.json_url),
            language=None if self.language is None else language_tag(self.language),
            entries=_newest_first(self.entries, channel_id),
            author_name=_required(self.author_name, "author", channel_id),
            updated=self._last_change(channel_id),
            other_languages=tuple(self.other_languages),
            rights=_line(self.rights),
            icon=_uri(self.icon),
            generator_version=line(self.generator_version),
        )

    @property
    def last_updated(self) -> datetime:
        """When the content last changed: `updated`, or later if an entry changed later."""
        return self._last_change(self.id)

    def _last_change(self, channel_id: str) -> datetime:
        moments = [entry.updated for entry in self.entries]
        if self.updated is not None:
            moments.append(_utc(self.updated, "updated", channel_id, InvalidChannelError))
        if not moments:
            raise InvalidChannelError(
                channel_id, "has no entries, so it must say when it changed"
            )
        return max(moments)


def _settle(value: object, **fields: object) -> None:
    """Set the fields of a frozen value that is still being built."""
    for name, content in fields.items():
        object.__setattr__(value, name, content)


def _line(text: str | None) -> str | None:
    return None if text is None else line(text) or None


def _uri(text: str | None) -> str | None:
    return absolute_uri(text) if text else None


def _required(text: str, name: str, channel_id: str) -> str:
    cleaned = line(text)
    if not cleaned:
        raise InvalidChannelError(channel_id, f"its {name} is blank")
    return cleaned


def _utc(
    moment: datetime,
    name: str,
    owner: str,
    error: type[InvalidEntryError | InvalidChannelError] = InvalidEntryError,
) -> datetime:
    """Return the moment in UTC and whole seconds, the one spelling that all formats share."""
    if moment.utcoffset() is None:
        raise error(owner, f"{name} {moment.isoformat()} has no time zone")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError as overflow:
        raise error(owner, f"{name} {moment.isoformat()} is no date in UTC") from overflow


def _newest_first(entries: tuple[Entry, ...], channel_id: str) -> tuple[Entry, ...]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise DuplicateEntryError(channel_id, entry.id)
        seen.add(entry.id)
    return tuple(sorted(entries, key=lambda entry: (-entry.published.timestamp(), entry.id)))
