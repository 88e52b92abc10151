"""The formats, and the XML that they are written in."""

import json
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element

import feeds
from feeds import FEED_FORMATS, FeedFormat, xml_builder
from tests.feeds import hostile
from tests.feeds.samples import channel, entry, render_atom, render_rss

# All formats: feed readers see the same, and hostile texts break none of them.


WORD_JOINER = "\u2060"
MEDIA_TITLE = f"{xml_builder.MEDIA}title"


def visible(text: str) -> str:
    return text.replace(WORD_JOINER, "")


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_hostile_titles_are_parsed_as_the_entries_have_them(style: FeedFormat) -> None:
    made = hostile.texts()
    assert titles(style, feeds.render(style, made)) == [
        visible(item.title) for item in made.entries
    ]


@given(st.text(st.characters(exclude_categories=())))
def test_any_title_is_parsed_as_the_entry_has_it(text: str) -> None:
    made = channel(entry(title=text, content_html=text))
    for style in FEED_FORMATS:
        assert titles(style, feeds.render(style, made)) == [visible(made.entries[0].title)]


def titles(style: FeedFormat, document: bytes) -> list[str]:
    """Return the titles of entries as a feed reader shows them."""
    if style.name == "json":
        return [item["title"] for item in json.loads(document)["items"]]
    root = xml_builder.parse_xml(document)
    kind = {"rss": "item", "atom": "entry"}[style.name]
    found = root.iterfind(f".//{{*}}{kind}/{{*}}title")
    return [
        shown(title).replace(WORD_JOINER, "") for title in found if title.tag != MEDIA_TITLE
    ]


def shown(element: _Element) -> str:
    text = element.text or ""
    return unescape(text) if element.get("type") == "html" else text


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_broken_html_is_written_as_it_is(style: FeedFormat) -> None:
    made = hostile.rough_bodies()
    expected = [one.content_html for one in made.entries]
    assert bodies(style, feeds.render(style, made)) == expected


def bodies(style: FeedFormat, document: bytes) -> list[str]:
    if style.name == "json":
        return [item["content_html"] for item in json.loads(document)["items"]]
    root = xml_builder.parse_xml(document)
    found = root.iterfind(".//item") if style.name == "rss" else root.iterfind(".//{*}entry")
    names = ("{*}encoded", "description") if style.name == "rss" else ("{*}content",)
    return [next(filter(None, map(item.findtext, names)), "") for item in found]


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
@pytest.mark.parametrize(
    "changes",
    [
        {"content_html": "<p>" + "Long. 字 " * 1_000_000 + "</p>"},
        {"content_html": "<" * 1_000_000},
        {"summary": "<&" * 500_000},
        {"title": "\u202e\u2066" * 100_000 + "x"},
        {"title": "</b>" * 20_000},
        {"title": "x" * 10_000_001},
    ],
    ids=["10 MB", "body", "summary", "bidi", "title", "long title"],
)
def test_enormous_texts_are_complete(style: FeedFormat, changes: dict[str, str]) -> None:
    one = entry("a", **changes)
    document = feeds.render(style, channel(one, entry("b")))
    assert titles(style, document) == [visible(one.title), "Title of b"]
    assert bodies(style, document)[0] == one.content_html


def test_a_stylesheet_address_is_escaped_in_its_instruction() -> None:
    made = channel(stylesheet="/feeds/style.css?a=1&b=\"?><rss/>'")
    for render in (render_rss, render_atom):
        second = render(made).split(b"\n")[1]
        assert second == (
            b'<?xml-stylesheet type="text/css" '
            b'href="/feeds/style.css?a=1&amp;b=&quot;?&gt;&lt;rss/&gt;&#x27;"?>'
        )
    assert b"xml-stylesheet" not in render_rss(replace(made, stylesheet=" "))


def test_unused_namespaces_are_not_declared() -> None:
    plain = channel(entry())
    for render in (render_rss, render_atom):
        document = render(plain)
        assert b"tombstones" not in document
        assert b"history" not in document
        assert b"itunes" not in document
        assert document.count(b"xmlns:media=") == 1


def test_texts_of_10_mb_are_parsed_and_external_entities_are_not_read() -> None:
    text = b"x" * 10_000_001
    assert len(xml_builder.parse_xml(b"<a>" + text + b"</a>").text or "") == len(text)
    document = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///dev/null">]><a>&b;</a>'
    assert xml_builder.parse_xml(document).text is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain > text", b"<a>plain &gt; text</a>"),
        ("Q&A", b"<a>Q&#x26;A</a>"),
        ("<&", b"<a>&#x3C;&#x26;</a>"),
        ("1 < 2 & 3", b"<a>1 &#x3C; 2 &#x26; 3</a>"),
        ("<b>", b"<a>&#x3C;b&gt;</a>"),
        ("</b>", "<a>&#x3C;\u2060/b&gt;</a>".encode()),
        ("</ b", b"<a>&#x3C;/ b</a>"),
        ("", b"<a/>"),
    ],
)
def test_special_characters_become_numeric_references(text: str, written: bytes) -> None:
    element = etree.Element("a")
    element.text = text or None
    xml_builder.write_references(element)
    assert etree.tostring(element, encoding="utf-8") == written
    assert (etree.fromstring(written).text or "").replace("\u2060", "") == text


def test_a_document_ends_in_a_line_feed_and_names_its_stylesheet() -> None:
    root = xml_builder.parse_xml(b"<rss/>")
    assert xml_builder.serialise(root) == b'<?xml version="1.0" encoding="UTF-8"?>\n<rss/>\n'
    assert xml_builder.serialise(root, "/a.css?b&c").splitlines()[1] == (
        b'<?xml-stylesheet type="text/css" href="/a.css?b&amp;c"?>'
    )
