"""What each format writes that the expected documents do not show."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.etree import _Element

import feeds
from feeds import Author, Channel, EntryAttachment, InvalidChannelError, xml_builder
from feeds.formats import format_named
from feeds.renderers.atom import distinct_moments
from tests.feeds.data import archive, lantern, mixed, podcast
from tests.feeds.samples import (
    NOON,
    addresses,
    channel,
    entry,
    render_atom,
    render_json,
    render_rss,
)

ATOM = xml_builder.ATOM
EARLIER = NOON.replace(hour=11)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def atom(made: Channel) -> _Element:
    return xml_builder.parse_xml(render_atom(made))


def test_an_entry_without_content_has_a_summary_or_its_title() -> None:
    root = atom(channel(entry(content_html="", summary="Short.")))
    assert [dict(link.attrib) for link in root.findall(f"{ATOM}entry/{ATOM}link")] == [
        {
            "rel": "alternate",
            "type": "text/html",
            "hreflang": "en",
            "href": "https://example.org/en/one",
        }
    ]
    assert root.find(f".//{ATOM}content") is None
    assert root.findtext(f".//{ATOM}summary") == "Short."
    root = atom(channel(entry(content_html="", title="A & B")))
    summary = root.find(f".//{ATOM}summary")
    assert summary is not None
    assert (summary.get("type"), summary.text) == ("html", "A &amp; B")


@given(st.lists(st.sampled_from([NOON, EARLIER, FIRST, LAST]), max_size=60))
def test_equal_moments_are_spelled_differently(moments: list[datetime]) -> None:
    written = distinct_moments(moments)
    assert written == moments
    assert len({moment.isoformat() for moment in written}) == len(moments)


def test_a_new_entry_changes_no_older_moment_unless_there_are_too_many() -> None:
    assert distinct_moments([NOON, NOON, NOON])[1:] == distinct_moments([NOON, NOON])
    assert [m.isoformat() for m in distinct_moments([NOON, NOON, NOON])[1:]] == [
        m.isoformat() for m in distinct_moments([NOON, NOON])
    ]
    assert set(distinct_moments([NOON] * 3000)) == {NOON}


def test_special_characters_are_escaped_html_in_texts_and_numeric_references_in_names() -> None:
    root = atom(channel(entry(title="<b> & c"), title="Q&A", description="<i>"))
    for path, shown in (
        ("title", "Q&amp;A"),
        ("subtitle", "&lt;i&gt;"),
        ("entry/{A}title", "&lt;b&gt; &amp; c"),
    ):
        element = root.find(f"{ATOM}{path}".replace("{A}", ATOM))
        assert element is not None
        assert (element.get("type"), element.text) == ("html", shown)
    document = render_atom(
        channel(entry(authors=(Author(name="A & B"),)), author=Author(name="C&copy"))
    )
    assert b"<name>A &#x26; B</name>" in document
    assert b"<name>C&#x26;copy</name>" in document


def test_a_feed_without_entries_is_complete() -> None:
    root = atom(channel())
    assert root.findtext(f"{ATOM}updated") == "2026-01-09T12:00:00+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Lantern"


def rss(made: Channel) -> _Element:
    return xml_builder.parse_xml(render_rss(made))[0]


@pytest.mark.parametrize("made", [lantern.CHANNEL, podcast.CHANNEL])
def test_the_head_comes_before_the_items(made: Channel) -> None:
    names = [child.tag for child in rss(made)]
    assert set(names[names.index("item") :]) == {"item"}


def test_authors_of_rss_are_creators_and_content_without_a_summary_is_the_description() -> None:
    authors = Author(name="First Author", affiliation="Institute"), Author(name="Second Author")
    document = render_rss(channel(entry(authors=authors)))
    creators = xml_builder.parse_xml(document)[0].findall(f"item/{xml_builder.DC}creator")
    assert [creator.text for creator in creators] == ["First Author, Second Author"]
    assert b"@" not in document
    assert b"Institute" not in document
    item = rss(channel(entry(summary="", content_html="<p>Long.</p>"))).find("item")
    assert item is not None
    assert item.findtext("description") == "<p>Long.</p>"
    assert item.find("{http://purl.org/rss/1.0/modules/content/}encoded") is None


def test_summaries_and_content_of_rss_are_escaped_html() -> None:
    root = rss(channel(entry(summary="1 < 2 & <b>")))
    assert root.findtext("item/description") == "1 &lt; 2 &amp; &lt;b&gt;"
    document = render_rss(channel(entry(title="A & B", content_html="<p>A &amp; B</p>")))
    assert b"<description>&lt;p&gt;A &amp;amp; B&lt;/p&gt;</description>" in document
    document = render_rss(channel(entry(title="On </title> and </b>")))
    assert (
        "<title>On &#x3C;\u2060/title&gt; and &#x3C;\u2060/b&gt;</title>".encode() in document
    )


def test_special_characters_of_plain_text_are_numeric_references() -> None:
    made = channel(
        entry(title="<b> & c", topics=("R&D",), authors=(Author(name="A & B"),)),
        title="Q&A",
        description="<i>",
    )
    document = render_rss(made)
    assert b"<title>Q&#x26;A</title>" in document
    assert b"<description>&#x3C;i&gt;</description>" in document
    assert b"<title>&#x3C;b&gt; &#x26; c</title>" in document
    assert b"<category>R&#x26;D</category>" in document
    assert b"<dc:creator>A &#x26; B</dc:creator>" in document


def parsed(made: Channel) -> Any:
    return json.loads(render_json(made))


def test_archive_documents_are_in_atom_alone_to_which_rss_leads() -> None:
    older = addresses("en/archive/7")["atom"]
    newest = channel(previous=older)
    assert (
        f'rel="prev-archive" type="application/atom+xml" href="{older}"'.encode()
        in render_rss(newest)
    )
    assert "next_url" not in parsed(newest)
    for form in (format_named("rss"), format_named("json")):
        with pytest.raises(InvalidChannelError, match="in Atom alone"):
            feeds.render(form, archive.CHANNEL)


def test_the_feed_has_authors_in_json_only_if_no_item_has_any() -> None:
    signed = entry("a", authors=(Author(name="First Author"),))
    assert "authors" not in parsed(channel(signed, entry("b")))
    assert "authors" in parsed(channel(entry("b")))
    assert "authors" in parsed(channel())


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


def test_items_of_json_without_content_have_a_text_and_line_separators_are_escaped() -> None:
    entries = entry("a", content_html="", summary="Short."), entry("b", content_html="")
    items = parsed(channel(*entries))["items"]
    assert [item["content_text"] for item in items] == ["Short.", "Title of b"]
    assert not any("content_html" in item for item in items)
    document = render_json(channel(entry(content_html="<p>a\u2028b\u2029c</p>")))
    assert rb"<p>a\u2028b\u2029c</p>" in document
    assert json.loads(document)["items"][0]["content_html"] == "<p>a\u2028b\u2029c</p>"
    assert parsed(channel())["items"] == []
