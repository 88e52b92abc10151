"""Faults of podcast tags and Media RSS, in RSS and Atom alike."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from lxml.etree import _Element as Element

from tests.feeds import conformance_values as values
from tests.feeds.conformance_html import html_faults
from tests.feeds.conformance_values import words
from tests.feeds.conformance_xml import (
    Document,
    children,
    count_faults,
    name,
    text,
    told,
    where,
)

_CHANNEL = words(
    "author block category explicit image keywords new-feed-url owner pubDate subtitle "
    "summary type"
)
_ITEM = words(
    "author block duration episode episodeType explicit image keywords season subtitle "
    "summary title"
)
_DURATION = re.compile(r"\d+(:[0-5]\d(:[0-5]\d)?)?")
_WORDS = {
    "itunes:explicit": {"true", "false"},
    "itunes:type": {"episodic", "serial"},
    "itunes:episodeType": {"full", "trailer", "bonus"},
}
_CATEGORIES = {
    "Arts", "Business", "Comedy", "Education", "Fiction", "Government", "Health & Fitness",
    "History", "Kids & Family", "Leisure", "Music", "News", "Religion & Spirituality", "Science",
    "Society & Culture", "Sports", "TV & Film", "Technology", "True Crime",
}  # fmt: skip
_LONGEST = {"itunes:author": 255, "itunes:subtitle": 255, "itunes:summary": 4000}

_MEDIA = words(
    "category copyright credit description group content hash keywords player rating "
    "restriction text thumbnail title"
)
_ENTRY_ONLY = {"group", "content"}
_CONTENT = words(
    "bitrate channels duration expression fileSize framerate height isDefault lang medium "
    "samplingrate type url width"
)
_MEDIUMS = {"image", "audio", "video", "document", "executable"}
_POSITIVE = re.compile(r"[1-9]\d*")


def media_faults(parent: Element, document: Document, *, is_entry: bool) -> Iterator[str]:
    """Yield the faults of the podcast tags and media of a channel or an entry."""
    known = {f"itunes:{one}" for one in (_ITEM if is_entry else _CHANNEL)}
    known |= {f"media:{one}" for one in (_MEDIA if is_entry else _MEDIA - _ENTRY_ONLY)}
    for child in parent.iterchildren("*"):
        own = name(child)
        if own.startswith(("itunes:", "media:")) and own not in known:
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
    if own in {"itunes:episode", "itunes:season"} and not _POSITIVE.fullmatch(content):
        yield f"{where(element)}: {content!r} is no number (60)"
    if own == "itunes:image":
        yield from told(where(element), values.web_address_faults(element.get("href", "")), 60)
    if own == "itunes:category" and element.get("text") not in _CATEGORIES:
        yield f"{where(element)}: {element.get('text')!r} is no category of Apple's (60)"
    if own == "itunes:owner" and "@" not in (text(element, "itunes:email") or ""):
        yield f"{where(element)}: has no itunes:email (60)"
    if len(content) > _LONGEST.get(own, len(content)):
        yield f"{where(element)}: is longer than {_LONGEST[own]} characters (60)"
    referenced = document.is_referenced(element)
    yield from told(where(element), values.plain_faults(content, referenced=referenced), 22)


def _directory(channel: Element) -> Iterator[str]:
    for wanted in ("itunes:explicit", "itunes:owner"):
        yield from count_faults(channel, wanted, 60)
    if not children(channel, "itunes:category"):
        yield f"{where(channel)}: has podcast tags and no itunes:category (60)"


def _media(parent: Element) -> Iterator[str]:
    for group in children(parent, "media:group"):
        if len(children(group, "media:content")) < 2:
            yield f"{where(group)}: has fewer than two media:content (60)"
        yield from _media(group)
    for content in children(parent, "media:content"):
        yield from _content(content)
        yield from _media(content)
    for thumbnail in children(parent, "media:thumbnail"):
        yield from told(where(thumbnail), values.address_faults(thumbnail.get("url", "")), 60)
        yield from _attributes(thumbnail, {"url", "width", "height", "time"})
    for wanted in ("media:title", "media:description"):
        yield from count_faults(parent, wanted, 60, least=0)
        for one in children(parent, wanted):
            if one.get("type", "plain") not in {"plain", "html"}:
                yield f"{where(one)}: type={one.get('type')} (60)"
            elif one.get("type") == "html":
                yield from (
                    f"{where(one)}: {problem}" for problem in html_faults(one.text or "")
                )
            else:
                yield from told(where(one), values.plain_faults(one.text or ""), 22)


def _content(content: Element) -> Iterator[str]:
    place = where(content)
    yield from told(place, values.address_faults(content.get("url", "")), 60)
    yield from _attributes(content, _CONTENT)
    if not values.is_media_type(content.get("type", "text/html")):
        yield f"{place}: type={content.get('type')} is no media type (60)"
    if content.get("medium", "image") not in _MEDIUMS:
        yield f"{place}: medium={content.get('medium')} (60)"
    if "lang" in content.attrib:
        yield from told(place, values.language_faults(content.get("lang", "")), 11)


def _attributes(element: Element, known: AbstractSet[str]) -> Iterator[str]:
    for extra in {str(one) for one in element.attrib if not str(one).startswith("{")} - known:
        yield f"{where(element)}: {extra} is no attribute of it (60)"
    for number in ("width", "height", "fileSize", "duration", "bitrate"):
        if number in element.attrib and not _POSITIVE.fullmatch(element.get(number, "")):
            yield f"{where(element)}: {number}={element.get(number)} is no number above 0 (60)"
