"""Faults of podcast tags and Media RSS, in RSS and Atom alike."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from lxml.etree import _Element as Element

from tools.feed_validator import values
from tools.feed_validator.html import html_faults
from tools.feed_validator.values import words
from tools.feed_validator.xml import (
    Document,
    children,
    count_faults,
    name,
    text,
    told,
    where,
)

_CHANNEL = words(
    "itunes:author itunes:category itunes:explicit itunes:image itunes:owner itunes:type"
)
_ITEM = words(
    "itunes:author itunes:duration itunes:explicit media:content media:thumbnail media:title"
)
_DURATION = re.compile(r"\d+(:[0-5]\d(:[0-5]\d)?)?")
_WORDS = {"itunes:explicit": {"true", "false"}, "itunes:type": {"episodic"}}
_CATEGORIES = {
    "Arts", "Business", "Comedy", "Education", "Fiction", "Government", "Health & Fitness",
    "History", "Kids & Family", "Leisure", "Music", "News", "Religion & Spirituality", "Science",
    "Society & Culture", "Sports", "TV & Film", "Technology", "True Crime",
}  # fmt: skip
# Characters that Apple accepts.
_LONGEST_AUTHOR = 255
_CONTENT = words("duration fileSize medium type url")
_MEDIUMS = {"image", "audio", "video", "document"}
_POSITIVE = re.compile(r"[1-9]\d*")


def media_faults(parent: Element, document: Document, *, is_entry: bool) -> Iterator[str]:
    """Yield the faults of the podcast tags and media of a channel or an entry."""
    allowed = _ITEM if is_entry else _CHANNEL
    for child in parent.iterchildren("*"):
        own = name(child)
        if own.startswith(("itunes:", "media:")) and own not in allowed:
            yield f"{where(child)}: does not belong here (60)"
        if own.startswith("itunes:"):
            yield from _podcast(child, document)
    yield from _media(parent)
    if not is_entry and any(name(one).startswith("itunes:") for one in parent.iter("*")):
        yield from _directory(parent)


def _podcast(element: Element, document: Document) -> Iterator[str]:
    own, content = name(element), element.text or ""
    if own in _WORDS and content not in _WORDS[own]:
        yield f"{where(element)}: {content!r} is none of {sorted(_WORDS[own])} (60)"
    if own == "itunes:duration" and not _DURATION.fullmatch(content):
        yield f"{where(element)}: {content!r} is no duration (60)"
    if own == "itunes:image":
        yield from told(where(element), values.web_address_faults(element.get("href", "")), 60)
    if own == "itunes:category" and element.get("text") not in _CATEGORIES:
        yield f"{where(element)}: {element.get('text')!r} is no category of Apple's (60)"
    if own == "itunes:owner" and "@" not in (text(element, "itunes:email") or ""):
        yield f"{where(element)}: has no itunes:email (60)"
    if own == "itunes:author" and len(content) > _LONGEST_AUTHOR:
        yield f"{where(element)}: is longer than {_LONGEST_AUTHOR} characters (60)"
    referenced = document.is_referenced(element)
    yield from told(where(element), values.plain_faults(content, referenced=referenced), 22)


def _directory(channel: Element) -> Iterator[str]:
    for wanted in ("itunes:explicit", "itunes:owner"):
        yield from count_faults(channel, wanted, 60)
    if not children(channel, "itunes:category"):
        yield f"{where(channel)}: has podcast tags and no itunes:category (60)"


def _media(parent: Element) -> Iterator[str]:
    for content in children(parent, "media:content"):
        yield from _content(content)
        yield from _media(content)
    for thumbnail in children(parent, "media:thumbnail"):
        yield from told(where(thumbnail), values.address_faults(thumbnail.get("url", "")), 60)
        yield from _attributes(thumbnail, {"url", "width", "height"})
    yield from count_faults(parent, "media:title", 60, least=0)
    for title in children(parent, "media:title"):
        if title.get("type", "plain") not in {"plain", "html"}:
            yield f"{where(title)}: type={title.get('type')} (60)"
        elif title.get("type") == "html":
            problems = html_faults(title.text or "")
            yield from (f"{where(title)}: {problem}" for problem in problems)
        else:
            yield from told(where(title), values.plain_faults(title.text or ""), 22)


def _content(content: Element) -> Iterator[str]:
    place = where(content)
    yield from told(place, values.address_faults(content.get("url", "")), 60)
    yield from _attributes(content, _CONTENT)
    if not values.is_media_type(content.get("type", "text/html")):
        yield f"{place}: type={content.get('type')} is no media type (60)"
    if content.get("medium", "image") not in _MEDIUMS:
        yield f"{place}: medium={content.get('medium')} (60)"


def _attributes(element: Element, known: AbstractSet[str]) -> Iterator[str]:
    for extra in {str(one) for one in element.attrib if not str(one).startswith("{")} - known:
        yield f"{where(element)}: {extra} is no attribute of it (60)"
    for number in ("width", "height", "fileSize", "duration"):
        if number in element.attrib and not _POSITIVE.fullmatch(element.get(number, "")):
            yield f"{where(element)}: {number}={element.get(number)} is no number above 0 (60)"
