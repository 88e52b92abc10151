"""Entry: one article in one language, whatever the format.

Values are put right when they are built (clean text, UTC, whole seconds), so that all formats
say the same and none needs to check. Knows neither formats nor where articles come from, and
reads no clock.
"""

from dataclasses import dataclass
from datetime import datetime

from feeds.identifiers import absolute_uri, identity, language_tag
from feeds.text import clean_html, label, prose, single_line
from feeds.values import optional_line, optional_uri, set_fields, utc_seconds

# RFC 2046 section 4.5.1: of bytes of which no more is known.
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote it, as it reads in the entry's language."""

    name: str
    affiliation: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        set_fields(self, name=label(self.name))
        if self.affiliation is not None or self.url is not None:
            set_fields(
                self,
                affiliation=optional_line(self.affiliation),
                url=optional_uri(self.url),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The same thing in another language; `type` is the media type of what is there."""

    url: str
    language: str
    title: str | None = None
    type: str | None = None

    def __post_init__(self) -> None:
        set_fields(
            self,
            url=absolute_uri(self.url),
            language=language_tag(self.language),
            title=optional_line(self.title),
            type=optional_line(self.type),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The picture that stands for an entry; width and height are in pixels."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        set_fields(self, url=absolute_uri(self.url), alt=label(self.alt))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAttachment:
    """A sound, a film or a document that goes along with an entry.

    `media_type` is its MIME type, or blank where nobody knows it; `length` its size in bytes, None where nobody knows it;
    `duration` is in seconds.
    """

    url: str
    media_type: str
    length: int | None = None
    title: str | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        set_fields(
            self,
            url=absolute_uri(self.url),
            media_type=single_line(self.media_type).lower() or _UNKNOWN_TYPE,
            title=optional_line(self.title),
        )

    @property
    def medium(self) -> str:
        """The kind of thing it is, as Media RSS names it: audio, video, image or document."""
        kind = self.media_type.partition("/")[0]
        return kind if kind in {"audio", "video", "image"} else "document"


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
    attachments: tuple[EntryAttachment, ...] = ()

    def __post_init__(self) -> None:
        entry_id = identity(self.id)
        url = absolute_uri(self.url)
        published = utc_seconds(self.published, "published", entry_id)
        set_fields(
            self,
            id=entry_id,
            url=url,
            title=label(self.title) or url,
            language=language_tag(self.language),
            published=published,
            updated=max(published, utc_seconds(self.updated, "updated", entry_id)),
            summary=prose(self.summary),
            content_html=clean_html(self.content_html),
        )
        self._settle_lists()

    def _settle_lists(self) -> None:
        # Most entries lack most of them, and a feed is quick to write because its values are.
        if self.authors:
            set_fields(self, authors=tuple(author for author in self.authors if author.name))
        if self.topics:
            topics = dict.fromkeys(map(label, self.topics))
            set_fields(self, topics=tuple(filter(None, topics)))
        if self.translations:
            set_fields(self, translations=tuple(self.translations))
        if self.attachments:
            set_fields(self, attachments=tuple(self.attachments))

    @property
    def enclosure(self) -> EntryAttachment | None:
        """The one attachment that every reader gets: the first sound or film, or else the first.

        Only one whose length is known: a guess makes players stop early or refuse the file.
        """
        known = [one for one in self.attachments if (one.length or 0) > 0]
        played = (one for one in known if one.medium in {"audio", "video"})
        return next(played, known[0] if known else None)
