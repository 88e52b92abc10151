"""Faults of a JSON Feed 1.1: types and values of its members."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tools.feed_validator import values
from tools.feed_validator.html import html_faults
from tools.feed_validator.xml import repeated, told

VERSION = "https://jsonfeed.org/version/1.1"

Members = Mapping[str, Any]
_TEXT, _NUMBER = "a text", "a number"
_TEXTS, _OBJECTS = "a list of texts", "a list of objects"
_TYPES: dict[str, Callable[[Any], bool]] = {
    _TEXT: lambda value: isinstance(value, str) and bool(value.strip()),
    _NUMBER: lambda value: type(value) in {int, float} and value >= 0,
    _TEXTS: lambda value: isinstance(value, list) and all(map(_TYPES[_TEXT], value)),
    _OBJECTS: lambda value: isinstance(value, list) and all(type(one) is dict for one in value),
}
_FEED = {
    **dict.fromkeys(("version", "title", "home_page_url", "feed_url", "next_url"), _TEXT),
    **dict.fromkeys(("description", "favicon", "icon", "language"), _TEXT),
    **dict.fromkeys(("authors", "hubs", "items"), _OBJECTS),
}
_ITEM = {
    **dict.fromkeys(("id", "url", "title", "content_html"), _TEXT),
    **dict.fromkeys(("content_text", "summary", "image"), _TEXT),
    **dict.fromkeys(("date_published", "date_modified", "language"), _TEXT),
    **dict.fromkeys(("authors", "attachments"), _OBJECTS),
    "tags": _TEXTS,
}
_AUTHOR = dict.fromkeys(("name", "url"), _TEXT)
_HUB = dict.fromkeys(("type", "url"), _TEXT)
_ATTACHMENT = {
    **dict.fromkeys(("url", "mime_type", "title"), _TEXT),
    **dict.fromkeys(("size_in_bytes", "duration_in_seconds"), _NUMBER),
}
_FEED_ADDRESSES = ("home_page_url", "feed_url", "next_url", "favicon", "icon")
_ITEM_ADDRESSES = ("url", "image")


def check(document: bytes) -> Iterator[str]:
    """Yield the faults of a JSON Feed."""
    try:
        feed = json.loads(document.decode())
    except ValueError as error:
        yield f"document: is no JSON in UTF-8: {error} (45)"
        return
    if not isinstance(feed, dict):
        yield "document: is no object (45)"
        return
    yield from _characters("document", feed)
    yield from _feed(feed)
    for number, item in enumerate(_objects("items", feed), start=1):
        yield from _item(f"items {number}", item)


def _feed(feed: Members) -> Iterator[str]:
    yield from _typed("feed", feed, _FEED, 45)
    if feed.get("version") != VERSION:
        yield f"version: is {feed.get('version')!r} (45)"
    for wanted in ("title", "items"):
        if wanted not in feed:
            yield f"{wanted}: is missing (45)"
    yield from _addresses("feed", feed, _FEED_ADDRESSES, 45)
    yield from _language("feed", feed)
    yield from _authors("feed", feed)
    yield from _one_line("feed", feed)
    if "next_url" in feed and feed["next_url"] == feed.get("feed_url"):
        yield "next_url: is the feed itself (47)"
    for hub in _objects("hubs", feed):
        yield from _typed("hubs", hub, _HUB, 47)
        yield from _required("hubs", hub, ("type", "url"), 47)
        yield from _addresses("hubs", hub, ("url",), 47)
    for one in repeated(str(item.get("id")) for item in _objects("items", feed)):
        yield f"id: two items have {one} (7)"


def _item(place: str, item: Members) -> Iterator[str]:
    yield from _typed(place, item, _ITEM, 46)
    yield from _required(place, item, ("id", "url", "date_published"), 46)
    if not {"content_html", "content_text"} & set(item):
        yield f"{place}: has neither content_html nor content_text (46)"
    yield from _addresses(place, item, _ITEM_ADDRESSES, 46)
    if isinstance(item.get("id"), str):
        yield from told(f"{place}/id", values.identity_faults(item["id"]), 1)
    yield from _language(place, item)
    yield from _authors(place, item)
    yield from _dates(place, item)
    yield from _one_line(place, item)
    if isinstance(item.get("content_html"), str):
        problems = html_faults(item["content_html"])
        yield from (f"{place}/content_html: {problem}" for problem in problems)
    for attachment in _objects("attachments", item):
        yield from _attachment(f"{place}/attachments", attachment)


def _attachment(place: str, attachment: Members) -> Iterator[str]:
    yield from _typed(place, attachment, _ATTACHMENT, 46)
    yield from _required(place, attachment, ("url", "mime_type"), 46)
    yield from _addresses(place, attachment, ("url",), 46)
    if not values.is_media_type(str(attachment.get("mime_type"))):
        yield f"{place}/mime_type: {attachment.get('mime_type')} is no media type (46)"


def _typed(place: str, members: Members, known: Mapping[str, str], point: int) -> Iterator[str]:
    for name, value in members.items():
        if name == "_publisher":
            if not isinstance(value, dict):
                yield f"{place}/{name}: is no extension (48)"
        elif name not in known:
            yield f"{place}/{name}: JSON Feed 1.1 has no such member ({point})"
        elif not _TYPES[known[name]](value):
            yield f"{place}/{name}: is not {known[name]} ({point})"


def _required(
    place: str, members: Members, names: tuple[str, ...], point: int
) -> Iterator[str]:
    for name in names:
        if name not in members:
            yield f"{place}: has no {name} ({point})"


def _addresses(
    place: str, members: Members, names: tuple[str, ...], point: int
) -> Iterator[str]:
    for name in names:
        if isinstance(members.get(name), str):
            yield from told(f"{place}/{name}", values.address_faults(members[name]), point)


def _objects(name: str, members: Members) -> list[Members]:
    value = members.get(name)
    return [one for one in value if type(one) is dict] if isinstance(value, list) else []


def _authors(place: str, members: Members) -> Iterator[str]:
    for author in _objects("authors", members):
        yield from _typed(f"{place}/authors", author, _AUTHOR, 3)
        yield from _addresses(f"{place}/authors", author, ("url",), 3)
        if not set(author) & set(_AUTHOR):
            yield f"{place}/authors: one says nothing (3)"


def _language(place: str, members: Members) -> Iterator[str]:
    if isinstance(members.get("language"), str):
        problems = values.language_faults(members["language"])
        yield from told(f"{place}/language", problems, 11)


def _dates(place: str, item: Members) -> Iterator[str]:
    moments = []
    for name in ("date_published", "date_modified"):
        if name not in item:
            continue
        moment = values.rfc_3339(str(item[name]))
        if moment is None:
            yield f"{place}/{name}: {item[name]!r} is no date of RFC 3339 (46)"
        else:
            moments.append(moment)
            if not values.is_plausible(moment):
                yield f"{place}/{name}: {item[name]!r} is not plausible (6)"
    if moments != sorted(moments):
        yield f"{place}: published after it was modified (6)"


def _one_line(place: str, members: Members) -> Iterator[str]:
    if "\n" in str(members.get("title")):
        yield f"{place}/title: is more than one line (46)"


def _characters(place: str, value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from told(place, values.character_faults(value), 35)
    elif isinstance(value, list):
        for number, one in enumerate(value, start=1):
            yield from _characters(f"{place} {number}", one)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _characters(f"{place}/{name}", one)
