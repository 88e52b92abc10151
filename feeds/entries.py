"""Entry: one article in one language, in any format. Values are normalised when the objects are built, so all formats agree."""

from dataclasses import dataclass
from datetime import UTC, datetime

from feeds import normalisation

_UNKNOWN_TYPE = "application/octet-stream"  # RFC 2046 section 4.5.1: bytes of an unknown type


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """An author of an entry or channel, as written in its language."""

    name: str
    affiliation: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", normalisation.label(self.name))
        if self.affiliation is not None or self.url is not None:
            normalisation.set_fields(
                self,
                affiliation=normalisation.optional_line(self.affiliation),
                url=normalisation.optional_uri(self.url),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The same content in another language; `type` is the media type of the linked document."""

    url: str
    language: str
    title: str | None = None
    type: str | None = None

    def __post_init__(self) -> None:
        normalisation.set_fields(
            self,
            url=normalisation.absolute_uri(self.url),
            language=normalisation.language_tag(self.language),
            title=normalisation.optional_line(self.title),
            type=normalisation.optional_line(self.type),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The main image of an entry; width and height are in pixels."""

    url: str
    alt: str = ""
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        normalisation.set_fields(
            self, url=normalisation.absolute_uri(self.url), alt=normalisation.label(self.alt)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAttachment:
    """An audio, video or other file of an entry; `length` in bytes, `duration` in seconds, empty or None if unknown."""

    url: str
    media_type: str
    length: int | None = None
    title: str | None = None
    duration: int | None = None

    def __post_init__(self) -> None:
        normalisation.set_fields(
            self,
            url=normalisation.absolute_uri(self.url),
            media_type=normalisation.one_line(self.media_type).lower() or _UNKNOWN_TYPE,
            title=normalisation.optional_line(self.title),
        )

    @property
    def medium(self) -> str:
        """The kind of file in the words of Media RSS: audio, video, image or document."""
        kind = self.media_type.partition("/")[0]
        return kind if kind in {"audio", "video", "image"} else "document"


@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Entry:
    """One article in one language.

    `id` is a tag: URI that never changes (see `tag_uri`), `url` the page of the article, `summary` plain text,
    `content_html` sanitised HTML with absolute addresses. `translations` are its versions in other languages.
    `contributors` are translators and editors. A blank title becomes the url. Blank authors, contributors and topics
    are dropped. `updated` is in UTC, and never before `published`, which keeps its time zone's offset. Raises
    InvalidEntryError for a date without time zone, InvalidIdentifierError for a malformed address.
    """

    id: str
    url: str
    title: str
    language: str
    published: datetime
    updated: datetime
    summary: str
    content_html: str
    authors: tuple[Author, ...]
    topics: tuple[str, ...]
    translations: tuple[Link, ...]
    image: Image | None
    attachments: tuple[EntryAttachment, ...]
    contributors: tuple[Author, ...]

    # Written by hand: a frozen dataclass would store each field twice, as given and normalised, and a large
    # feed takes a twentieth longer.
    def __init__(  # noqa: PLR0913  # the fields
        self,
        *,
        id: str,  # noqa: A002
        url: str,
        title: str,
        language: str,
        published: datetime,
        updated: datetime,
        summary: str = "",
        content_html: str = "",
        authors: tuple[Author, ...] = (),
        topics: tuple[str, ...] = (),
        translations: tuple[Link, ...] = (),
        image: Image | None = None,
        attachments: tuple[EntryAttachment, ...] = (),
        contributors: tuple[Author, ...] = (),
    ) -> None:
        entry_id, address = normalisation.identity(id), normalisation.absolute_uri(url)
        appeared = normalisation.zoned_seconds(published, "published", entry_id)
        changed = normalisation.utc_seconds(updated, "updated", entry_id)
        put = object.__setattr__
        put(self, "id", entry_id)
        put(self, "url", address)
        put(self, "title", normalisation.label(title) or address)
        put(self, "language", normalisation.language_tag(language))
        put(self, "published", appeared)
        put(self, "updated", max(appeared.astimezone(UTC), changed))
        put(self, "summary", normalisation.prose(summary))
        put(self, "content_html", normalisation.clean_html(content_html))
        put(self, "authors", _named(authors) if authors else ())
        put(self, "topics", normalisation.labels(topics) if topics else ())
        put(self, "translations", tuple(translations))
        put(self, "image", image)
        put(self, "attachments", tuple(attachments))
        put(self, "contributors", _named(contributors) if contributors else ())

    @property
    def enclosure(self) -> EntryAttachment | None:
        """The attachment that every feed reader gets: the first audio or video file, else the first; only if its length is known."""
        known = [one for one in self.attachments if (one.length or 0) > 0]
        played = (one for one in known if one.medium in {"audio", "video"})
        return next(played, known[0] if known else None)


def _named(authors: tuple[Author, ...]) -> tuple[Author, ...]:
    return tuple([author for author in authors if author.name])
