"""Read what front matter says of an article, under any of the names that publishing tools use.

The first name with a value counts; unknown keys are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from publisher.articles.model import ArticleStatus, AttachmentField, Byline, ParsedArticle
from publisher.articles.parsers import enclosure_fields, fields
from publisher.articles.parsers.front_matter import YamlValue

_T = TypeVar("_T")

# The words for a published article in content management systems.
_READY_WORDS = frozenset({"published", "publish", "final", "live", "public"})


def read_metadata(front_matter: Mapping[str, YamlValue]) -> ParsedArticle:
    """Return an article without a body from front matter with normalised keys.

    Raises ArticleError with the key, the wrong value, and a right one.
    """
    source = _FrontMatterFields(front_matter)
    status, is_draft = _status(source)
    published = source.get("date published published_at", fields.read_date, skip=_is_flag)
    return ParsedArticle(
        title=source.get("title", fields.read_line) or "",
        language=source.get("lang language locale", fields.read_line) or None,
        published=published,
        updated=source.get("updated lastmod last_modified_at", fields.read_date),
        bylines=_bylines(source),
        translators=source.get("translator translators", fields.read_list) or (),
        summary=source.get("summary description excerpt dek", fields.read_line) or "",
        section=source.get("section category", fields.read_line) or None,
        topics=_topics(source),
        picture=source.get("image cover picture", fields.read_picture),
        attachment_fields=_attachments(source),
        key=source.get("key story translation_key id", fields.read_line) or None,
        translation_of=source.get("translation_of", fields.read_line) or None,
        permalink=source.get("permalink", fields.read_line) or None,
        url=source.get("url canonical canonical_url", fields.read_url),
        offered=source.get(
            "languages blog_available_in_languages translations", fields.read_languages
        )
        or (),
        status=status,
        is_draft=is_draft,
    )


@dataclass(frozen=True, slots=True)
class _FrontMatterFields:
    values: Mapping[str, YamlValue]

    def get(
        self,
        names: str,
        read: Callable[[str, YamlValue], _T],
        skip: Callable[[YamlValue], bool] = lambda _value: False,
    ) -> _T | None:
        """Read the first of several names (separated by spaces) that has a value."""
        for name in names.split():
            value = self.values.get(name)
            if value not in (None, "", [], {}) and not skip(value):
                return read(name, value)
        return None


def _is_flag(value: YamlValue) -> bool:
    words = fields.TRUE_WORDS | fields.FALSE_WORDS
    return isinstance(value, str) and value.strip().lower() in words


def _bylines(source: _FrontMatterFields) -> tuple[Byline, ...]:
    authors = source.get("author authors by byline", fields.read_bylines) or ()
    return (
        source.get(
            "affiliation affiliations",
            lambda key, value: fields.with_affiliations(authors, key, value),
        )
        or authors
    )


def _topics(source: _FrontMatterFields) -> tuple[str, ...]:
    names = ("topics", "tags", "categories", "keywords")
    return fields.unique_texts(
        topic for name in names for topic in source.get(name, fields.read_list) or ()
    )


def _attachments(source: _FrontMatterFields) -> tuple[AttachmentField, ...]:
    """Read the attachments; the one under `enclosure` comes first."""
    podcast = enclosure_fields.read_podcast(source.values)
    first, *others = (
        # Themes also use these keys as switches.
        source.get(name, enclosure_fields.read_attachments, skip=_is_flag) or ()
        for name in ("enclosure", "audio", "video", "attachments")
    )
    return (*first, *podcast, *chain.from_iterable(others))


def _status(source: _FrontMatterFields) -> tuple[ArticleStatus, bool]:
    """Read the status, and whether the document is a draft, which is not picked up at all."""
    is_draft = source.get("draft", fields.read_flag) or False
    published = source.values.get("published")
    if _is_flag(published):
        is_draft = is_draft or not fields.read_flag("published", published)
    if source.get("untranslated", fields.read_flag):
        return ArticleStatus.UNTRANSLATED, is_draft
    word = (source.get("status", fields.read_line) or "ready").lower()
    if word == "draft":
        return ArticleStatus.READY, True
    if word in _READY_WORDS:
        return ArticleStatus.READY, is_draft
    if word not in set(ArticleStatus):
        choices = ", ".join([*ArticleStatus, "draft"])
        fields.reject("status", word, "a status", f"one of {choices}")
    return ArticleStatus(word), is_draft
