"""Articles as frozen values, without files or database.

A parser makes a `ParsedArticle`; `publisher.ingest.pickup` stores it; the rest of the program gets an `Article` from
`store`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from publisher.i18n.article_problems import ArticleProblem


class Origin(StrEnum):
    """How an article came to be in its language."""

    ORIGINAL = "original"
    TRANSLATION = "translation"
    CONVERTED = "converted"


class Provenance(StrEnum):
    """Who made the text of an article: its author, a translator, or a program."""

    ORIGINAL = "original"
    HUMAN = "human"
    MACHINE = "machine"
    SCRIPT = "script"


class ArticleStatus(StrEnum):
    """Whether an article may be published, and if not, why."""

    READY = "ready"
    UNTRANSLATED = "untranslated"
    STALE = "stale"
    WITHDRAWN = "withdrawn"


class Mailing(StrEnum):
    """Whether issues carry an article: as news, not at all, or as news whatever its date."""

    NEWS = "news"
    ARCHIVE = "archive"
    ANNOUNCED = "announced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Byline:
    """An author, as written in the article's language."""

    name: str
    affiliation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownByline(Byline):
    """An author who stands in people.toml, in the article's language. `languages` are those that the person has."""

    key: str
    website: str | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture; `src` is an absolute URL or a path below the web root; sizes in CSS pixels; `credit` is who made it."""

    src: str
    alt: str = ""
    width: int | None = None
    height: int | None = None
    caption: str = ""
    credit: str = ""

    @property
    def stored(self) -> dict[str, Any]:
        """The picture as JSON. Empty words below it are left out, as in hashes from before there were any."""
        later = ("caption", "credit")
        return {
            name: value for name, value in asdict(self).items() if value or name not in later
        }

    @property
    def legend(self) -> str:
        """What stands below it: caption and credit, an em space apart, which leaves no sign at the end of a line."""
        return "\u2003".join(filter(None, (self.caption, self.credit)))

    @property
    def words(self) -> str:
        return " ".join(filter(None, (self.alt, self.caption, self.credit)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An audio, video or document file of an article. `src` as a picture's; `length` in bytes, `duration` in seconds."""

    src: str
    media_type: str
    length: int | None = None
    title: str | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentField:
    """An attachment as front matter states it under `key`, else None; `length` is in bytes, `duration` in seconds."""

    key: str
    src: str
    media_type: str | None = None
    length: int | None = None
    title: str | None = None
    duration: int | None = None

    def or_else(self, other: AttachmentField) -> AttachmentField:
        missing = [one.name for one in fields(self) if getattr(self, one.name) is None]
        return replace(self, **{name: getattr(other, name) for name in missing})

    def attached(self, **known: Any) -> Attachment:
        stated = {one.name: getattr(self, one.name) for one in fields(Attachment)}
        return Attachment(**(stated | known))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """A local file that an article shows or attaches, at `path` below the source folder, `address` on its own site, if known.

    `target` is its path below the web root (`media/<hash>/<name>`), which never changes its content.
    """

    path: str
    target: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalLink:
    """A link to another document of the source: `target` in the stored HTML, `written` in the file, first in `line`.

    `left_out` says why a file that it names is not copied.
    """

    target: str
    written: str
    line: int | None = None
    left_out: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedArticle:
    """What a parser found in one document; empty or None where the document says nothing.

    `language` is as declared, in any spelling. `html` is sanitised and `text` its plain text. `published` may be a
    bare date, which means midnight in the publication's time zone. `key` is the story's key where the document states
    one; `other_key` the one that it has if `key` belongs to another article of its language, and `is_linked` whether
    the document itself states which other ones are its translations. `permalink` is a path with or without its
    language prefix; `aliases` are other paths at which the page stands or stood. `url` is absolute, for articles that
    live elsewhere; `canonical` is the address of a page that the document names as the first of several copies. The
    article is not shown before `held_until` and from `expires` on. `offered` are the languages that the page links
    to. `attachment_fields` are the attachments before they are looked up; `media` the local files that `html`,
    `picture` and `attachments` refer to; `links` those to other documents; `problems` what was lost or looks wrong.
    `translated_with` is the tool of a machine translation, and `editor` who answers for it. With `is_archive`, it was
    published long before, and no issue carries it. `slug` is a name for its story's addresses, where the key is none.
    """

    title: str = ""
    html: str = ""
    text: str = ""
    language: str | None = None
    published: datetime | date | None = None
    updated: datetime | date | None = None
    bylines: tuple[Byline, ...] = ()
    translators: tuple[str, ...] = ()
    summary: str = ""
    section: str | None = None
    topics: tuple[str, ...] = ()
    picture: Picture | None = None
    attachment_fields: tuple[AttachmentField, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    key: str | None = None
    other_key: str | None = None
    is_linked: bool = False
    translation_of: str | None = None
    permalink: str | None = None
    aliases: tuple[str, ...] = ()
    url: str | None = None
    canonical: str | None = None
    held_until: datetime | date | None = None
    expires: datetime | date | None = None
    offered: tuple[str, ...] = ()
    status: ArticleStatus = ArticleStatus.READY
    is_draft: bool = False
    media: tuple[MediaFile, ...] = ()
    links: tuple[InternalLink, ...] = ()
    problems: tuple[ArticleProblem, ...] = ()
    provenance: Provenance | None = None
    translated_with: str | None = None
    editor: str | None = None
    is_archive: bool = False
    slug: str = ""

    def or_else(self, other: ParsedArticle) -> ParsedArticle:
        """Return this article with each empty field taken from another."""
        empty = ParsedArticle()
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if getattr(self, field.name) == getattr(empty, field.name)
        }
        return replace(self, **missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One story in one language, as it is stored. `published_on` is shown, feeds sort by `published_at`.

    It is new in its language at `available_at`. `html` refers to the publication's own pictures by paths below the
    web root.
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
    mailing: Mailing = Mailing.NEWS
    provenance: Provenance = Provenance.ORIGINAL
    translated_with: str | None = None
    editor: str | None = None
    # The page that the document names as the first of several copies.
    canonical_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageVersion:
    """An article as far as pages and feeds of other languages show it, without its text."""

    story_id: int
    slug: str
    language: str
    origin: Origin
    title: str
    url: str | None
    published_on: date
    available_at: datetime
    content_hash: str
