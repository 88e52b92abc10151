"""Read what front matter says of an article, under any of the names that publishing tools use.

The first name with a value counts; unknown keys are ignored. Attachments are read in the forms that
blogs and podcasts use; `publisher.ingest.media` looks up the files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from difflib import get_close_matches
from functools import partial
from itertools import chain
from typing import TypeVar

from publisher.articles import model
from publisher.errors import ArticleError
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import message
from publisher.ingest.parsers import fields
from publisher.ingest.parsers.fields import read_line, reject
from publisher.ingest.parsers.front_matter import YamlValue, first_of, keyed

_T = TypeVar("_T")

# What themes of several generators call the picture of an article, in small letters.
_PICTURE_NAMES = (
    "image cover picture images featured_image featuredimage feature_image cover_image coverimage "
    "hero_image heroimage og_image thumbnail banner header"
)
_PERHAPS_PICTURES = frozenset({"banner", "header"})  # themes have other values there, too

# Keys that only sites read, by meaning.
_OF_SITES = [["unlisted"], ["publishdate"], ["expirydate", "expires"]]
# Other programs have keys of their own that are nearly named like these.
_COMMON = {*f"key url canonical enclosure audio video attachments {_PICTURE_NAMES}".split()} - {
    "image"
}
_NEAR = 0.83  # from this share of equal characters on, a key is another one, misspelt

# The words for a published article in content management systems.
_READY_WORDS = frozenset({"published", "publish", "final", "live", "public"})


def read_metadata(front_matter: Mapping[str, YamlValue]) -> model.ParsedArticle:
    """Read an article without a body from normalised keys. Raises ArticleError with key, wrong value and a right one."""
    source = _FrontMatterFields(front_matter)
    status, is_draft = _status(source)
    (picture, problems), (updated, unread) = _picture(source), _updated(source)
    provenance = source.get("provenance", _read_provenance)
    is_by_machine = provenance == model.Provenance.MACHINE
    published = source.get("date published published_at", fields.read_date, skip=_is_flag)
    parsed = model.ParsedArticle(
        title=source.get("title", fields.read_line) or "",
        language=source.get("lang language locale", fields.read_line) or None,
        published=published,
        updated=updated,
        bylines=_bylines(source),
        translators=source.get("translator translators", fields.read_list) or (),
        summary=source.get("summary description excerpt dek", fields.read_line) or "",
        section=source.get("section category", fields.read_line) or None,
        topics=_topics(source),
        picture=picture,
        attachment_fields=_attachments(source),
        key=source.get("key story translation_key id", fields.read_line) or None,
        translation_of=source.get("translation_of", fields.read_line) or None,
        permalink=source.get("permalink", fields.read_line) or None,
        url=source.get("url", fields.read_url),
        canonical=source.get("canonical canonical_url", fields.read_url),
        offered=source.get(
            "languages blog_available_in_languages translations", fields.read_languages
        )
        or (),
        status=status,
        is_draft=is_draft,
        provenance=provenance,
        # Other programs use `editor` for something else.
        translated_with=source.get("translated_with", read_line) if is_by_machine else None,
        editor=source.get("editor", read_line) if is_by_machine else None,
    )
    return replace(parsed, problems=(*problems, *unread, *_misspelt(source)))


def _misspelt(source: _FrontMatterFields) -> Iterator[ArticleProblem]:
    """Yield the keys that nothing reads, and that have nearly the name of one that is missing."""
    groups = [*source.asked, *_OF_SITES]
    known = {one for names in groups for one in names}
    # Readers of sites give empty values for what a page does not say.
    absent = [names for names in groups if not any(map(source.values.get, names))]
    missing = [one for names in absent if names[0] not in _COMMON for one in names]
    for key in (one for one in source.values if one not in known):
        alike = [one for one in missing if sorted(one) == sorted(key)]
        if near := alike or get_close_matches(key, missing, 1, _NEAR):
            what = f"{key} is not read; did you mean {near[0]}?"
            yield ArticleProblem(ProblemKind.UNKNOWN_FIELD, None, what)


@dataclass(frozen=True, slots=True)
class _FrontMatterFields:
    values: Mapping[str, YamlValue]
    # The names that were looked up, by meaning.
    asked: list[list[str]] = field(default_factory=list)

    def get(
        self,
        names: str,
        read: Callable[[str, YamlValue], _T],
        skip: Callable[[YamlValue], bool] = lambda _value: False,
    ) -> _T | None:
        """Read the first of several names (separated by spaces) that has a value."""
        self.asked.append(names.split())
        for name in names.split():
            value = self.values.get(name)
            if value not in (None, "", [], {}) and not skip(value):
                return read(name, value)
        return None


def _updated(
    source: _FrontMatterFields,
) -> tuple[date | datetime | None, tuple[ArticleProblem, ...]]:
    """Read the time of the last change. One that is none costs itself, not the article."""
    try:
        return source.get("updated lastmod last_modified_at", fields.read_date), ()
    except ArticleError as error:
        return None, (ArticleProblem(ProblemKind.UNKNOWN_FIELD, None, str(error)),)


def _read_provenance(key: str, value: YamlValue) -> model.Provenance:
    word = read_line(key, value).lower()
    if word not in set(model.Provenance):
        choices = message("one of %(choices)s", choices=", ".join(model.Provenance))
        reject(key, word, message("a provenance"), choices)
    return model.Provenance(word)


def _is_flag(value: YamlValue) -> bool:
    words = fields.TRUE_WORDS | fields.FALSE_WORDS
    return isinstance(value, str) and value.strip().lower() in words


def _bylines(source: _FrontMatterFields) -> tuple[model.Byline, ...]:
    authors = source.get("author authors by byline", fields.read_bylines) or ()
    names = "affiliation affiliations author_title"
    return source.get(names, partial(fields.with_affiliations, authors)) or authors


def _topics(source: _FrontMatterFields) -> tuple[str, ...]:
    names = ("topics", "tags", "categories", "keywords")
    return fields.unique_texts(
        topic for name in names for topic in source.get(name, fields.read_list) or ()
    )


def _attachments(source: _FrontMatterFields) -> tuple[model.AttachmentField, ...]:
    """Read the attachments; the one under `enclosure` comes first."""
    podcast = read_podcast(source.values)
    first, *others = (
        # Themes also use these keys as switches.
        source.get(name, read_attachments, skip=_is_flag) or ()
        for name in ("enclosure", "audio", "video", "attachments")
    )
    return (*first, *podcast, *chain.from_iterable(others))


def _status(source: _FrontMatterFields) -> tuple[model.ArticleStatus, bool]:
    """Read the status, and whether the document is a draft, which is not picked up at all."""
    is_draft = source.get("draft", fields.read_flag) or False
    published = source.values.get("published")
    if _is_flag(published):
        is_draft = is_draft or not fields.read_flag("published", published)
    if source.get("untranslated", fields.read_flag):
        return model.ArticleStatus.UNTRANSLATED, is_draft
    word = (source.get("status", fields.read_line) or "ready").lower()
    if word == "draft":
        return model.ArticleStatus.READY, True
    if word in _READY_WORDS:
        return model.ArticleStatus.READY, is_draft
    if word not in set(model.ArticleStatus):
        choices = ", ".join([*model.ArticleStatus, "draft"])
        remedy = message("one of %(choices)s", choices=choices)
        reject("status", word, message("a status"), remedy)
    return model.ArticleStatus(word), is_draft


def _picture(
    source: _FrontMatterFields,
) -> tuple[model.Picture | None, tuple[ArticleProblem, ...]]:
    """Read the first picture that is one; a value that is none costs the picture only."""
    problems: list[ArticleProblem] = []
    for name in _PICTURE_NAMES.split():
        try:
            found = source.get(name, fields.read_picture, skip=_is_flag)
        except ArticleError as error:
            if name not in _PERHAPS_PICTURES:
                problems.append(ArticleProblem(ProblemKind.UNKNOWN_FIELD, None, str(error)))
            continue
        if found:
            return found, tuple(problems)
    return None, tuple(problems)


# Keys of the same meaning; the first with a value counts.
_ADDRESS_KEYS = ("src", "url", "file", "href", "mp3")
_TYPE_KEYS = ("type", "media_type", "mime_type")
_LENGTH_KEYS = ("length", "bytes")

# RFC 6838 section 4.2: the names of a type and a subtype.
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_BYTES = re.compile(r"[0-9]{1,15}")
_SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?")
_CLOCK = re.compile(
    r"((?P<hours>[0-9]{1,3}):(?=[0-5]?[0-9]:))?(?P<minutes>[0-9]{1,3}):(?P<seconds>[0-5][0-9])"
)


def read_attachments(key: str, value: YamlValue) -> tuple[model.AttachmentField, ...]:
    """Return attachments from an address, a mapping with `src`, or a list of those."""
    items = value if isinstance(value, list) else [value]
    return tuple(_one(key, item) for item in items if item not in (None, ""))


def read_podcast(values: Mapping[str, YamlValue]) -> tuple[model.AttachmentField, ...]:
    """Return the attachment of `podcast: {mp3, duration}` or `podcast_link`; others, as of a season, are ignored."""
    value = values.get("podcast")
    parts = keyed(value) if isinstance(value, dict) else {}
    if first_of(parts, _ADDRESS_KEYS):
        return (_one("podcast", value),)
    link = values.get("podcast_link")
    if not link:
        return ()
    return (
        model.AttachmentField(
            key="podcast_link",
            src=read_line("podcast_link", link),
            length=_length("podcast_file_size", values.get("podcast_file_size")),
            duration=_duration("podcast_duration", values.get("podcast_duration")),
        ),
    )


def _one(key: str, value: YamlValue) -> model.AttachmentField:
    if not isinstance(value, dict):
        return _of_text(key, value)
    parts = keyed(value)
    src = read_line(f"{key}.src", first_of(parts, _ADDRESS_KEYS))
    if not src:
        reject(key, value, message("an attachment"), message("its path or address as src"))
    return model.AttachmentField(
        key=key,
        src=src,
        media_type=_media_type(f"{key}.type", first_of(parts, _TYPE_KEYS)),
        length=_length(f"{key}.length", first_of(parts, _LENGTH_KEYS)),
        title=read_line(f"{key}.title", parts.get("title")) or None,
        duration=_duration(f"{key}.duration", parts.get("duration")),
    )


def _of_text(key: str, value: YamlValue) -> model.AttachmentField:
    """Read an address; or an address, a length and a type in lines, as WordPress exports them."""
    lines = value.split("\n") if isinstance(value, str) else [value]
    src, length, media_type = (*lines, None, None)[:3]
    return model.AttachmentField(
        key=key,
        src=read_line(key, src),
        length=_length(f"{key}, second line", length),
        media_type=_media_type(f"{key}, third line", media_type),
    )


def _media_type(key: str, value: YamlValue) -> str | None:
    text = read_line(key, value).lower()
    if text and not _MEDIA_TYPE.fullmatch(text):
        reject(key, value, message("a media type"), message("one like audio/mpeg"))
    return text or None


def _length(key: str, value: YamlValue) -> int | None:
    """Read a size in bytes; 0 means unknown."""
    text = read_line(key, value)
    if text and not _BYTES.fullmatch(text):
        reject(key, value, message("a size in bytes"), message("a whole number like 34216300"))
    return int(text or 0) or None


def _duration(key: str, value: YamlValue) -> int | None:
    """Read a duration in seconds, or as MM:SS or HH:MM:SS."""
    text = read_line(key, value)
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return round(float(text)) or None
    clock = _CLOCK.fullmatch(text)
    if not clock:
        reject(key, value, message("a duration"), message("seconds, MM:SS or HH:MM:SS"))
    parts = clock.group("hours", "minutes", "seconds")
    hours, minutes, seconds = (int(part or 0) for part in parts)
    return (hours * 3600 + minutes * 60 + seconds) or None
