"""Read JSON Feed, versions 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/). Values of a wrong type are left out."""

from collections.abc import Iterator

from publisher.polling import foreign_values as foreign
from publisher.polling.model import MAX_WEB_ENTRIES, AnswerError, WebAuthor, WebEntry, WebFeed


def read_json_feed(body: bytes, url: str) -> WebFeed:
    """Read a JSON Feed that came from `url`; raise AnswerError if it is none."""
    feed = foreign.json_value(body)
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise AnswerError("this is JSON, but no JSON Feed")
    items = foreign.json_objects(feed, "items")
    return WebFeed(
        title=foreign.plain_title(foreign.json_text(feed, "title")),
        language=foreign.plain_title(foreign.json_text(feed, "language")),
        hub=next(_hubs(feed, url), ""),
        topic=foreign.web_address(foreign.json_text(feed, "feed_url"), url),
        following=foreign.web_address(foreign.json_text(feed, "next_url"), url),
        entries=tuple(_entry(item, _authors(feed), url) for item in items[:MAX_WEB_ENTRIES]),
        left_out=max(len(items) - MAX_WEB_ENTRIES, 0),
    )


def _hubs(feed: foreign.JsonObject, url: str) -> Iterator[str]:
    for hub in foreign.json_objects(feed, "hubs"):
        if foreign.json_text(hub, "type").lower() == "websub":
            yield foreign.web_address(foreign.json_text(hub, "url"), url)


def _authors(item: foreign.JsonObject) -> tuple[WebAuthor, ...]:
    """Return the authors of a feed or an entry; version 1.0 has one."""
    authors = foreign.json_objects(item, "authors") or foreign.json_objects(item, "author")
    names = dict.fromkeys(
        foreign.person_name(foreign.json_text(author, "name")) for author in authors
    )
    return tuple(WebAuthor(name=name) for name in names if name)


def _entry(item: foreign.JsonObject, authors: tuple[WebAuthor, ...], url: str) -> WebEntry:
    published, updated = foreign.json_times(item, "date_published", "date_modified")
    html = foreign.json_text(item, "content_html") or foreign.text_as_html(
        foreign.json_text(item, "content_text")
    )
    summary = foreign.text_as_html(foreign.json_text(item, "summary"))
    tags = item.get("tags")
    topics = (
        [foreign.plain_title(tag) for tag in tags if isinstance(tag, str)]
        if isinstance(tags, list)
        else []
    )
    return WebEntry(
        id=foreign.json_text(item, "id"),
        url=foreign.web_address(foreign.json_text(item, "url", "external_url"), url)
        or foreign.web_address(foreign.json_text(item, "id")),
        title=foreign.plain_title(foreign.json_text(item, "title")),
        html=html or summary,
        summary=summary if html and summary != html else "",
        published=published,
        updated=updated,
        language=foreign.plain_title(foreign.json_text(item, "language")),
        authors=_authors(item) or authors,
        topics=tuple(dict.fromkeys(filter(None, topics))),
        picture=_picture(item, url),
    )


def _picture(item: foreign.JsonObject, url: str) -> str:
    if named := foreign.json_text(item, "image", "banner_image"):
        return foreign.web_address(named, url)
    images = (
        foreign.web_address(foreign.json_text(attached, "url"), url)
        for attached in foreign.json_objects(item, "attachments")
        if foreign.json_text(attached, "mime_type").startswith("image/")
    )
    return next(images, "")
