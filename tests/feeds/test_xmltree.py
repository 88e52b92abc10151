import pytest
from lxml import etree

from feeds import xmltree

LINK = {"rel": "self", "href": "https://example.org/"}


def test_links_come_last_under_the_name_given() -> None:
    item = xmltree.parse_xml(b"<item><title/><link>x</link></item>")

    xmltree.add_links(item, f"{xmltree.ATOM}link", [LINK, LINK])
    xmltree.add_links(item, "link", [LINK])

    assert [child.tag for child in item] == [
        "title",
        "link",
        f"{xmltree.ATOM}link",
        f"{xmltree.ATOM}link",
        "link",
    ]


def test_text_longer_than_the_parser_s_limit_is_read() -> None:
    text = b"x" * 10_000_001

    assert len(xmltree.parse_xml(b"<a>" + text + b"</a>").text or "") == len(text)


def test_entities_of_other_files_are_not_read() -> None:
    document = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///dev/null">]><a>&b;</a>'

    assert xmltree.parse_xml(document).text is None


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
def test_special_characters_are_referred_to_by_number(text: str, written: bytes) -> None:
    element = etree.Element("a")
    element.text = text or None

    xmltree.write_references(element)

    assert etree.tostring(element, encoding="utf-8") == written
    assert (etree.fromstring(written).text or "").replace("\u2060", "") == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain > text", b"<a>plain &gt; text</a>"),
        ("R&D", b'<a type="html">R&amp;amp;D</a>'),
        ("1 < 2", b'<a type="html">1 &amp;lt; 2</a>'),
        ('say "x"', b'<a>say "x"</a>'),
    ],
)
def test_text_that_looks_like_html_is_said_to_be(text: str, written: bytes) -> None:
    element = etree.Element("a")
    element.text = text

    xmltree.mark_as_html(element)

    assert etree.tostring(element) == written


def test_what_is_not_there_is_not_turned_into_html() -> None:
    xmltree.mark_as_html(None)


def test_document_ends_in_a_line_feed_and_names_its_style_sheet() -> None:
    root = xmltree.parse_xml(b"<rss/>")

    assert xmltree.serialise(root) == b'<?xml version="1.0" encoding="UTF-8"?>\n<rss/>\n'
    assert xmltree.serialise(root, "/a.css?b&c").splitlines()[1] == (
        b'<?xml-stylesheet type="text/css" href="/a.css?b&amp;c"?>'
    )
