import json
from typing import Any

from feeds import Author, Channel, Link, links, render_json
from tests.feeds.data import lantern, mixed
from tests.feeds.samples import channel, entry


def parsed(made: Channel) -> Any:
    return json.loads(render_json(made))


def test_members_stand_in_the_order_of_the_specification() -> None:
    feed = parsed(lantern.CHANNEL)

    assert list(feed) == [
        "version",
        "title",
        "home_page_url",
        "feed_url",
        "description",
        "icon",
        "authors",
        "language",
        "_translations",
        "items",
    ]
    assert list(feed["items"][0]) == [
        "id",
        "url",
        "title",
        "content_html",
        "summary",
        "image",
        "date_published",
        "date_modified",
        "authors",
        "tags",
        "language",
        "_translations",
    ]


def test_mixed_feed_has_a_language_on_its_items_only() -> None:
    feed = parsed(mixed.CHANNEL)

    assert "language" not in feed
    assert [item["language"] for item in feed["items"]] == ["ar", "zh-Hant", "en"]


def test_feed_without_entries_has_an_empty_list() -> None:
    assert parsed(channel())["items"] == []


def test_entry_without_content_has_its_summary_or_title_as_text() -> None:
    entries = entry("a", content_html="", summary="Short."), entry("b", content_html="")

    items = parsed(channel(*entries))["items"]

    assert [item["content_text"] for item in items] == ["Short.", "Title of b"]
    assert not any("content_html" in item for item in items)


def test_affiliation_and_translations_are_extensions() -> None:
    author = Author(name="First Author", affiliation="Example Institute")
    translation = Link(url="https://example.org/ar/one", language="ar", title="واحد")

    item = parsed(channel(entry(authors=(author,), translations=(translation,))))["items"][0]

    assert item["authors"] == [{"name": "First Author", "_affiliation": "Example Institute"}]
    assert item["_translations"] == [
        {"url": "https://example.org/ar/one", "language": "ar", "title": "واحد"}
    ]


def test_other_languages_are_told_for_the_feed() -> None:
    other = Link(url="https://example.org/feeds/ar.json", language="ar", type=links.JSON)

    assert parsed(channel(other_languages=(other,)))["_translations"] == [
        {"url": other.url, "language": "ar", "type": links.JSON}
    ]


def test_document_is_utf8_that_people_can_read_and_ends_in_a_line_feed() -> None:
    document = render_json(channel(entry(title="燈 \U0001f3ee")))

    assert "燈 \U0001f3ee".encode() in document
    assert document.endswith(b"}\n")


def test_line_separators_are_escaped() -> None:
    document = render_json(channel(entry(content_html="<p>a\u2028b\u2029c</p>")))

    assert rb"<p>a\u2028b\u2029c</p>" in document
    assert json.loads(document)["items"][0]["content_html"] == "<p>a\u2028b\u2029c</p>"
