"""What the rest of the program knows of an article: frozen values, no file and no database.

A reader module makes a `Draft` from one document; picking up links it to its story and
stores it; everybody else is handed an `Article`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Origin(StrEnum):
    """How an article came to be in its language."""

    ORIGINAL = "original"
    TRANSLATION = "translation"
    CONVERTED = "converted"


class ArticleStatus(StrEnum):
    """Whether an article may be published, and if not, why."""

    READY = "ready"
    UNTRANSLATED = "untranslated"
    STALE = "stale"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Byline:
    """Who wrote it, as it reads in the article's language."""

    name: str
    affiliation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture; `src` is an absolute URL or a path below the web root; sizes in CSS pixels."""

    src: str
    alt: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A sound, a film or a document that goes along with an article.

    `src` is an absolute URL or a path below the web root; `length` is in bytes, None where
    nobody knows it; `duration` in seconds.
    """

    src: str
    media_type: str
    length: int | None = None
    title: str | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedArticle:
    """What a reader module found in one document, before it is linked to a story.

    `language` is as declared (any spelling) or None where the document is silent. `html` is
    sanitised and `text` its words. `published` may be a bare date, which counts from midnight
    in the publication's time zone. `key` names the story where the document says so itself;
    `permalink` is a path with or without its language prefix; `url` is absolute, for articles
    that live elsewhere. `offered` are the languages that the page says it can be read in.
    `media` are the local files that `html`, `picture` and `attachments` refer to by `media/...`
    URLs.
    """

    title: str
    html: str
    text: str
    language: str | None = None
    published: datetime | date | None = None
    updated: datetime | date | None = None
    bylines: tuple[Byline, ...] = ()
    translators: tuple[str, ...] = ()
    summary: str = ""
    section: str | None = None
    topics: tuple[str, ...] = ()
    picture: Picture | None = None
    attachments: tuple[Attachment, ...] = ()
    key: str | None = None
    translation_of: str | None = None
    permalink: str | None = None
    url: str | None = None
    offered: tuple[str, ...] = ()
    status: ArticleStatus = ArticleStatus.READY
    draft: bool = False
    media: tuple[MediaFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A local file that goes along with an article.

    `path` is relative to the source folder, with forward slashes; `target` is where it will lie
    below the web root (`media/<hash>/<name>`), so that one name never has two contents.
    """

    path: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One story in one language, as it is stored.

    `published_on` is the date that readers are shown; `published_at` the instant that feeds and
    sorting use; `available_at` the instant from which it is news in this language. `html`
    refers to the publication's own pictures by paths below the web root.
    """

    id: int
    story_id: int
    story_key: str
    slug: str
    language: str
    origin: Origin
    status: ArticleStatus
    title: str
    summary: str
    html: str
    text: str
    bylines: tuple[Byline, ...]
    translators: tuple[str, ...]
    section: str | None
    topics: tuple[str, ...]
    picture: Picture | None
    attachments: tuple[Attachment, ...]
    url: str | None
    offered: tuple[str, ...]
    published_on: date
    published_at: datetime
    available_at: datetime
    updated_at: datetime
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageVersion:
    """What links to an article in another language need to know of it."""

    story_id: int
    slug: str
    language: str
    title: str
    url: str | None
    available_at: datetime
