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

from publisher.articles.model import Byline, Picture, Status
from publisher.articles.readers import enclosing
from publisher.articles.readers import fields as read
from publisher.articles.readers.enclosing import Enclosed
from publisher.articles.readers.frontmatter import Value

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
    attachments: tuple[Enclosed, ...] = ()
    key: str | None = None
    translation_of: str | None = None
    permalink: str | None = None
    url: str | None = None
    offered: tuple[str, ...] = ()
    status: Status = Status.READY
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


def interpret(front_matter: Mapping[str, Value]) -> Metadata:
    """Read metadata from front matter with normalised keys.

    Raises ArticleError naming the key, what stands there, and what would be right.
    """
    source = _Source(front_matter)
    status, is_draft = _status(source)
    published = source.get("date published published_at", read.moment, skip=_is_flag)
    return Metadata(
        title=source.get("title", read.line) or "",
        language=source.get("lang language locale", read.line) or None,
        published=published,
        updated=source.get("updated lastmod last_modified_at", read.moment),
        bylines=_bylines(source),
        translators=source.get("translator translators", read.listed) or (),
        summary=source.get("summary description excerpt dek", read.line) or "",
        section=source.get("section category", read.line) or None,
        topics=_topics(source),
        picture=source.get("image cover picture", read.picture),
        attachments=_attachments(source),
        key=source.get("key story translation_key id", read.line) or None,
        translation_of=source.get("translation_of", read.line) or None,
        permalink=source.get("permalink", read.line) or None,
        url=source.get("url canonical canonical_url", read.address),
        offered=source.get("languages blog_available_in_languages translations", read.languages)
        or (),
        status=status,
        draft=is_draft,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    values: Mapping[str, Value]

    def get(
        self,
        names: str,
        reader: Callable[[str, Value], T],
        skip: Callable[[Value], bool] = lambda _value: False,
    ) -> T | None:
        """Read the first of several names (apart by spaces) that holds a value."""
        for name in names.split():
            value = self.values.get(name)
            if value not in (None, "", [], {}) and not skip(value):
                return reader(name, value)
        return None


def _is_flag(value: Value) -> bool:
    return isinstance(value, str) and value.strip().lower() in read.TRUE | read.FALSE


def _bylines(source: _Source) -> tuple[Byline, ...]:
    authors = source.get("author authors by byline", read.bylines) or ()
    return (
        source.get(
            "affiliation affiliations", lambda key, value: read.affiliated(authors, key, value)
        )
        or authors
    )


def _topics(source: _Source) -> tuple[str, ...]:
    names = ("topics", "tags", "categories", "keywords")
    return read.unique(topic for name in names for topic in source.get(name, read.listed) or ())


def _attachments(source: _Source) -> tuple[Enclosed, ...]:
    """Read what goes along with the article; what is named as the enclosure goes first."""
    podcast = enclosing.podcast(source.values)
    first, *others = (
        # Themes have switches of these names too.
        source.get(name, enclosing.enclosed, skip=_is_flag) or ()
        for name in ("enclosure", "audio", "video", "attachments")
    )
    return (*first, *podcast, *chain.from_iterable(others))


def _status(source: _Source) -> tuple[Status, bool]:
    """Read whether it may be published; a draft is no status, since it is not picked up."""
    is_draft = source.get("draft", read.flag) or False
    published = source.values.get("published")
    if _is_flag(published):
        is_draft = is_draft or not read.flag("published", published)
    if source.get("untranslated", read.flag):
        return Status.UNTRANSLATED, is_draft
    word = (source.get("status", read.line) or "ready").lower()
    if word == "draft":
        return Status.READY, True
    if word in DONE:
        return Status.READY, is_draft
    if word not in set(Status):
        choices = ", ".join([*Status, "draft"])
        read.wrong("status", word, "a status", f"one of {choices}")
    return Status(word), is_draft
