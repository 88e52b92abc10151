import pytest
from lxml import etree

from feeds import xml_builder

LINK = {"rel": "self", "href": "https://example.org/"}


def test_a_text_of_10_mb_is_parsed() -> None:
    text = b"x" * 10_000_001

    assert len(xml_builder.parse_xml(b"<a>" + text + b"</a>").text or "") == len(text)


def test_external_entities_are_not_read() -> None:
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
