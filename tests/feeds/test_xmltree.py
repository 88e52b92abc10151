import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from feeds import xmltree

DECLARED = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
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


def document() -> tuple[xmltree.XMLDocument, etree._Element]:
    root = xmltree.parse_xml(b"<rss><channel><title>&lt;/channel&gt;</title></channel></rss>")
    xmltree.declare_namespaces(root, ["dc", "media"])
    xmltree.indent(root)
    return xmltree.XMLDocument(root, root[0], "item"), root


def test_document_without_entries_is_its_head() -> None:
    made, _root = document()

    assert made.serialise() == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<rss xmlns:dc="http://purl.org/dc/elements/1.1/"'
        b' xmlns:media="http://search.yahoo.com/mrss/">\n'
        b"  <channel>\n"
        b"    <title>&lt;/channel&gt;</title>\n"
        b"  </channel>\n"
        b"</rss>\n"
    )


def test_entries_stand_indented_at_the_end_of_their_parent_without_declarations() -> None:
    made, root = document()
    for text in ("a", f"<item{DECLARED}>"):
        item = etree.Element("item", {"x": "y"})
        made.place(item)
        xmltree.add_text(item, f"{xmltree.DC}creator", text)
        made.indent(item)
        made.write(item, b"", "")

    lines = made.serialise().decode().splitlines()

    assert lines[3:] == [
        "    <title>&lt;/channel&gt;</title>",
        '    <item x="y">',
        "      <dc:creator>a</dc:creator>",
        "    </item>",
        '    <item x="y">',
        f"      <dc:creator>&lt;item{DECLARED}&gt;</dc:creator>",
        "    </item>",
        "  </channel>",
        "</rss>",
    ]
    assert len(root[0]) == 1


def test_entry_with_a_name_of_its_own_keeps_what_it_needs() -> None:
    made, _root = document()
    other = etree.Element("note")
    made.place(other)
    made.write(other, b"", "")

    written = made.serialise()

    assert etree.fromstring(written).find("channel/note") is not None
    assert written.count(b'"http://purl.org/dc/elements/1.1/"') == 2


def test_style_sheet_stands_before_the_root() -> None:
    made, _root = document()

    assert made.serialise("/a.css?b&c").splitlines()[1] == (
        b'<?xml-stylesheet type="text/css" href="/a.css?b&amp;c"?>'
    )


@pytest.mark.parametrize("placed", [True, False])
def test_content_goes_where_its_slot_is_and_not_where_a_text_says(placed: bool) -> None:
    made, _root = document()
    item = etree.Element("item", {"x": "<text>-</text>"})
    if placed:
        made.place(item)
    xmltree.add_text(item, "title", "<text>-</text>")
    xmltree.add_text(item, "text", "-")

    made.write(item, b"<text>-</text>", "<p>]]> & <text>-</text>")

    written = etree.fromstring(made.serialise()).find("channel/item")
    assert written is not None
    assert written.get("x") == written.findtext("title") == "<text>-</text>"
    assert written.findtext("text") == "<p>]]> & <text>-</text>"


@settings(deadline=None)  # a loaded machine is no fault of the text
@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1))
def test_content_is_escaped_as_lxml_does(text: str) -> None:
    made, _root = document()
    element = etree.Element("item")
    element.text = "-"
    made.write(element, b"<item>-</item>", text)
    element.text = text

    assert etree.tostring(element, encoding="utf-8") in made.serialise()
