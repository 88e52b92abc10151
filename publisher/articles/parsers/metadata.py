"""What front matter says of an article, under any of the names that publishing tools use.

The first name that holds a value counts; unknown keys are nobody's business here. Knows
neither the body nor where the document lies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from itertools import chain
from typing import TypeVar

from publisher.articles.model import ArticleStatus, Byline, Picture
from publisher.articles.parsers import enclosure_fields
from publisher.articles.parsers import fields as read
from publisher.articles.parsers.enclosure_fields import AttachmentField
from publisher.articles.parsers.front_matter import YamlValue

T = TypeVar("T")

# What content systems call an article that is done.
DONE = frozenset({"published", "publish", "final", "live", "public"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The fields of a Draft that are not its text; empty where the document is silent."""

    title: str = ""
    language: str | None = None
    published: datetime | date | None = None
    updated: datetime | date | None = None
    bylines: tuple[Byline, ...] = ()
    translators: tuple[str, ...] = ()
    summary: str = ""
    section: str | None = None
    topics: tuple[str, ...] = ()
    picture: Picture | None = None
    attachments: tuple[AttachmentField, ...] = ()
    key: str | None = None
    translation_of: str | None = None
    permalink: str | None = None
    url: str | None = None
    offered: tuple[str, ...] = ()
    status: ArticleStatus = ArticleStatus.READY
    draft: bool = False

    def or_else(self, other: Metadata) -> Metadata:
        """Fill what is silent here from another; what is said here counts."""
        silent = Metadata()
        missing = {
            field.name: getattr(other, field.name)
            for field in fields(self)
            if getattr(self, field.name) == getattr(silent, field.name)
        }
        return replace(self, **missing)


def read_metadata(front_matter: Mapping[str, YamlValue]) -> Metadata:
    """Read metadata from front matter with normalised keys.

    Raises ArticleError naming the key, what stands there, and what would be right.
    """
    source = _Source(front_matter)
    status, is_draft = _status(source)
    published = source.get("date published published_at", read.read_date, skip=_is_flag)
    return Metadata(
        title=source.get("title", read.read_line) or "",
        language=source.get("lang language locale", read.read_line) or None,
        published=published,
        updated=source.get("updated lastmod last_modified_at", read.read_date),
        bylines=_bylines(source),
        translators=source.get("translator translators", read.read_list) or (),
        summary=source.get("summary description excerpt dek", read.read_line) or "",
        section=source.get("section category", read.read_line) or None,
        topics=_topics(source),
        picture=source.get("image cover picture", read.read_picture),
        attachments=_attachments(source),
        key=source.get("key story translation_key id", read.read_line) or None,
        translation_of=source.get("translation_of", read.read_line) or None,
        permalink=source.get("permalink", read.read_line) or None,
        url=source.get("url canonical canonical_url", read.read_url),
        offered=source.get(
            "languages blog_available_in_languages translations", read.read_languages
        )
        or (),
        status=status,
        draft=is_draft,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    values: Mapping[str, YamlValue]

    def get(
        self,
        names: str,
        reader: Callable[[str, YamlValue], T],
        skip: Callable[[YamlValue], bool] = lambda _value: False,
    ) -> T | None:
        """Read the first of several names (apart by spaces) that holds a value."""
        for name in names.split():
            value = self.values.get(name)
            if value not in (None, "", [], {}) and not skip(value):
                return reader(name, value)
        return None


def _is_flag(value: YamlValue) -> bool:
    return (
        isinstance(value, str) and value.strip().lower() in read.TRUE_WORDS | read.FALSE_WORDS
    )


def _bylines(source: _Source) -> tuple[Byline, ...]:
    authors = source.get("author authors by byline", read.read_bylines) or ()
    return (
        source.get(
            "affiliation affiliations",
            lambda key, value: read.with_affiliations(authors, key, value),
        )
        or authors
    )


def _topics(source: _Source) -> tuple[str, ...]:
    names = ("topics", "tags", "categories", "keywords")
    return read.unique_texts(
        topic for name in names for topic in source.get(name, read.read_list) or ()
    )


def _attachments(source: _Source) -> tuple[AttachmentField, ...]:
    """Read what goes along with the article; what is named as the enclosure goes first."""
    podcast = enclosure_fields.read_podcast(source.values)
    first, *others = (
        # Themes have switches of these names too.
        source.get(name, enclosure_fields.read_attachments, skip=_is_flag) or ()
        for name in ("enclosure", "audio", "video", "attachments")
    )
    return (*first, *podcast, *chain.from_iterable(others))


def _status(source: _Source) -> tuple[ArticleStatus, bool]:
    """Read whether it may be published; a draft is no status, since it is not picked up."""
    is_draft = source.get("draft", read.read_flag) or False
    published = source.values.get("published")
    if _is_flag(published):
        is_draft = is_draft or not read.read_flag("published", published)
    if source.get("untranslated", read.read_flag):
        return ArticleStatus.UNTRANSLATED, is_draft
    word = (source.get("status", read.read_line) or "ready").lower()
    if word == "draft":
        return ArticleStatus.READY, True
    if word in DONE:
        return ArticleStatus.READY, is_draft
    if word not in set(ArticleStatus):
        choices = ", ".join([*ArticleStatus, "draft"])
        read.reject("status", word, "a status", f"one of {choices}")
    return ArticleStatus(word), is_draft
