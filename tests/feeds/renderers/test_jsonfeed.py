"""JSON Feed: what the expected documents do not show."""

import json
from typing import Any

from feeds import Channel, EntryAttachment
from tests.feeds.data import lantern, mixed
from tests.feeds.samples import addresses, channel, entry, render_json


def parsed(made: Channel) -> Any:
    return json.loads(render_json(made))


def test_next_url_is_the_previous_archive_document() -> None:
    assert parsed(channel(previous=addresses("en/archive/7")))["next_url"] == (
        "https://example.org/feeds/en/archive/7.json"
    )
    oldest = channel(current=addresses("en"), following=addresses("en/archive/2"))
    assert "next_url" not in parsed(oldest)


def test_unknown_values_of_attachments_are_left_out() -> None:
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


def test_documents_are_equal_to_those_of_the_standard_library() -> None:
    for made in (lantern.CHANNEL, mixed.CHANNEL, channel()):
        expected = json.dumps(parsed(made), ensure_ascii=False, indent=2)
        assert render_json(made).decode() == f"{expected}\n"


def test_a_feed_without_entries_has_an_empty_list() -> None:
    assert parsed(channel())["items"] == []


def test_an_entry_without_content_has_its_summary_or_title_as_text() -> None:
    entries = entry("a", content_html="", summary="Short."), entry("b", content_html="")

    items = parsed(channel(*entries))["items"]

    assert [item["content_text"] for item in items] == ["Short.", "Title of b"]
    assert not any("content_html" in item for item in items)


def test_line_separators_are_escaped() -> None:
    document = render_json(channel(entry(content_html="<p>a\u2028b\u2029c</p>")))

    assert rb"<p>a\u2028b\u2029c</p>" in document
    assert json.loads(document)["items"][0]["content_html"] == "<p>a\u2028b\u2029c</p>"
