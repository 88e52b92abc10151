"""Read JSON Feed, versions 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Values of a wrong type are left out."""

import json
from collections.abc import Iterator
from typing import Any

from publisher.polling.foreign_values import (
    entry_times,
    iso_time,
    person_name,
    plain_title,
    text_as_html,
    web_address,
    without_controls,
)
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebAuthor, WebEntry, WebFeed

_Object = dict[str, Any]


def read_json_feed(body: bytes, url: str) -> WebFeed:
    """Read a JSON Feed that came from `url`; raise AnswerError if it is none."""
    try:
        feed = json.loads(body)
    except RecursionError:
        raise AnswerError("this is JSON that is nested too deeply") from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise AnswerError(f"this is malformed JSON in line {line}") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise AnswerError("this is JSON, but no JSON Feed")
    items = _objects(feed, "items")
    return WebFeed(
        title=plain_title(_text(feed, "title")),
        language=plain_title(_text(feed, "language")),
        home=web_address(_text(feed, "home_page_url"), url),
        hub=next(_hubs(feed, url), ""),
        topic=web_address(_text(feed, "feed_url"), url),
        following=web_address(_text(feed, "next_url"), url),
        entries=tuple(_entry(item, _authors(feed), url) for item in items[:MAX_WEB_ENTRIES]),
        left_out=max(len(items) - MAX_WEB_ENTRIES, 0),
    )


def _text(item: _Object, *keys: str) -> str:
    """Return the first text of these; numbers, as ids of 1.0 are written, are texts."""
    values = [item.get(key) for key in keys]
    texts = (str(value) for value in values if type(value) in {str, int})
    return next((without_controls(text) for text in texts if text), "")


def _objects(item: _Object, key: str) -> list[_Object]:
    values = item.get(key)
    return [v for v in values if isinstance(v, dict)] if isinstance(values, list) else []


def _hubs(feed: _Object, url: str) -> Iterator[str]:
    for hub in _objects(feed, "hubs"):
        if _text(hub, "type").lower() == "websub":
            yield web_address(_text(hub, "url"), url)


def _authors(item: _Object) -> tuple[WebAuthor, ...]:
    """Return the authors of a feed or an entry; version 1.0 has one."""
    sole = item.get("author")
    authors = _objects(item, "authors") or ([sole] if isinstance(sole, dict) else [])
    names = dict.fromkeys(person_name(_text(author, "name")) for author in authors)
    return tuple(WebAuthor(name=name) for name in names if name)


def _entry(item: _Object, authors: tuple[WebAuthor, ...], url: str) -> WebEntry:
    published, updated = (
        iso_time(_text(item, key)) for key in ("date_published", "date_modified")
    )
    published, updated = entry_times(published, updated)
    html = _text(item, "content_html") or text_as_html(_text(item, "content_text"))
    summary = text_as_html(_text(item, "summary"))
    tags = item.get("tags")
    topics = (
        [plain_title(tag) for tag in tags if isinstance(tag, str)]
        if isinstance(tags, list)
        else []
    )
    return WebEntry(
        id=_text(item, "id"),
        url=web_address(_text(item, "url", "external_url"), url)
        or web_address(_text(item, "id")),
        title=plain_title(_text(item, "title")),
        html=html or summary,
        summary=summary if html and summary != html else "",
        published=published,
        updated=updated,
        language=plain_title(_text(item, "language")),
        authors=_authors(item) or authors,
        topics=tuple(dict.fromkeys(filter(None, topics))),
        picture=_picture(item, url),
    )


def _picture(item: _Object, url: str) -> str:
    if named := _text(item, "image", "banner_image"):
        return web_address(named, url)
    images = (
        web_address(_text(attached, "url"), url)
        for attached in _objects(item, "attachments")
        if _text(attached, "mime_type").startswith("image/")
    )
    return next(images, "")
