"""Read JSON Feed, versions 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Values of a wrong type are left out."""

from collections.abc import Iterator

from publisher.polling.foreign_values import (
    JsonObject,
    entry_times,
    iso_time,
    json_objects,
    json_text,
    json_value,
    person_name,
    plain_title,
    text_as_html,
    web_address,
)
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebAuthor, WebEntry, WebFeed


def read_json_feed(body: bytes, url: str) -> WebFeed:
    """Read a JSON Feed that came from `url`; raise AnswerError if it is none."""
    feed = json_value(body)
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise AnswerError("this is JSON, but no JSON Feed")
    items = json_objects(feed, "items")
    return WebFeed(
        title=plain_title(json_text(feed, "title")),
        language=plain_title(json_text(feed, "language")),
        home=web_address(json_text(feed, "home_page_url"), url),
        hub=next(_hubs(feed, url), ""),
        topic=web_address(json_text(feed, "feed_url"), url),
        following=web_address(json_text(feed, "next_url"), url),
        entries=tuple(_entry(item, _authors(feed), url) for item in items[:MAX_WEB_ENTRIES]),
        left_out=max(len(items) - MAX_WEB_ENTRIES, 0),
    )


def _hubs(feed: JsonObject, url: str) -> Iterator[str]:
    for hub in json_objects(feed, "hubs"):
        if json_text(hub, "type").lower() == "websub":
            yield web_address(json_text(hub, "url"), url)


def _authors(item: JsonObject) -> tuple[WebAuthor, ...]:
    """Return the authors of a feed or an entry; version 1.0 has one."""
    authors = json_objects(item, "authors") or json_objects(item, "author")
    names = dict.fromkeys(person_name(json_text(author, "name")) for author in authors)
    return tuple(WebAuthor(name=name) for name in names if name)


def _entry(item: JsonObject, authors: tuple[WebAuthor, ...], url: str) -> WebEntry:
    published, updated = (
        iso_time(json_text(item, key)) for key in ("date_published", "date_modified")
    )
    published, updated = entry_times(published, updated)
    html = json_text(item, "content_html") or text_as_html(json_text(item, "content_text"))
    summary = text_as_html(json_text(item, "summary"))
    tags = item.get("tags")
    topics = (
        [plain_title(tag) for tag in tags if isinstance(tag, str)]
        if isinstance(tags, list)
        else []
    )
    return WebEntry(
        id=json_text(item, "id"),
        url=web_address(json_text(item, "url", "external_url"), url)
        or web_address(json_text(item, "id")),
        title=plain_title(json_text(item, "title")),
        html=html or summary,
        summary=summary if html and summary != html else "",
        published=published,
        updated=updated,
        language=plain_title(json_text(item, "language")),
        authors=_authors(item) or authors,
        topics=tuple(dict.fromkeys(filter(None, topics))),
        picture=_picture(item, url),
    )


def _picture(item: JsonObject, url: str) -> str:
    if named := json_text(item, "image", "banner_image"):
        return web_address(named, url)
    images = (
        web_address(json_text(attached, "url"), url)
        for attached in json_objects(item, "attachments")
        if json_text(attached, "mime_type").startswith("image/")
    )
    return next(images, "")
