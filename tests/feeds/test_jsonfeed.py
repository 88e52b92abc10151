import json
from typing import Any

from feeds import Author, Channel, EntryAttachment, Link
from tests.feeds.data import lantern, mixed
from tests.feeds.samples import JSON_TYPE, addresses, channel, entry, render_json


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
        "next_url",
        "icon",
        "authors",
        "language",
        "hubs",
        "_publisher",
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
        "attachments",
        "_publisher",
    ]


def test_language_is_said_on_the_feed_and_where_an_item_differs() -> None:
    feed = parsed(channel(entry("a"), entry("b", language="ar")))

    assert feed["language"] == "en"
    assert [item.get("language") for item in feed["items"]] == [None, "ar"]


def test_mixed_feed_says_the_language_of_each_item() -> None:
    feed = parsed(mixed.CHANNEL)

    assert feed["language"] == "en"
    assert [item["language"] for item in feed["items"]] == ["ar", "zh-Hant", "en"]


def test_next_page_is_the_archive_document_before_this_one() -> None:
    assert parsed(channel(previous=addresses("en/archive/7")))["next_url"] == (
        "https://example.org/feeds/en/archive/7.json"
    )
    oldest = channel(current=addresses("en"), following=addresses("en/archive/2"))
    assert "next_url" not in parsed(oldest)


def test_hubs_are_told_as_websub() -> None:
    hub = "https://hub.example.net/"

    assert parsed(channel(hubs=(hub, hub)))["hubs"] == [{"type": "WebSub", "url": hub}]


def test_attachments_say_what_is_known() -> None:
    sound = EntryAttachment(
        url="https://example.org/a.mp3",
        media_type="audio/mpeg",
        length=9,
        title="A",
        duration=60,
    )
    bare = EntryAttachment(
        url="https://example.org/b.pdf", media_type="application/pdf", length=0, duration=-1
    )

    assert parsed(channel(entry(attachments=(sound, bare))))["items"][0]["attachments"] == [
        {
            "url": "https://example.org/a.mp3",
            "mime_type": "audio/mpeg",
            "title": "A",
            "size_in_bytes": 9,
            "duration_in_seconds": 60,
        },
        {"url": "https://example.org/b.pdf", "mime_type": "application/pdf"},
    ]


def test_document_is_what_the_standard_library_would_write() -> None:
    """Ours is a writer of its own, for speed; nothing else may differ."""
    for made in (lantern.CHANNEL, mixed.CHANNEL, channel()):
        expected = json.dumps(parsed(made), ensure_ascii=False, indent=2)
        assert render_json(made).decode() == f"{expected}\n"


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

    assert item["authors"] == [
        {"name": "First Author", "_publisher": {"affiliation": "Example Institute"}}
    ]
    assert item["_publisher"]["translations"] == [
        {"url": "https://example.org/ar/one", "language": "ar", "title": "واحد"}
    ]


def test_other_languages_are_told_for_the_feed() -> None:
    other = Link(url="https://example.org/feeds/ar.json", language="ar", type=JSON_TYPE)

    assert parsed(channel(other_languages=(other,)))["_publisher"]["translations"] == [
        {"url": other.url, "language": "ar", "type": JSON_TYPE}
    ]


def test_document_is_utf8_that_people_can_read_and_ends_in_a_line_feed() -> None:
    document = render_json(channel(entry(title="燈 \U0001f3ee")))

    assert "燈 \U0001f3ee".encode() in document
    assert document.endswith(b"}\n")


def test_line_separators_are_escaped() -> None:
    document = render_json(channel(entry(content_html="<p>a\u2028b\u2029c</p>")))

    assert rb"<p>a\u2028b\u2029c</p>" in document
    assert json.loads(document)["items"][0]["content_html"] == "<p>a\u2028b\u2029c</p>"
