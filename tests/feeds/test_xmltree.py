from lxml import etree

from feeds import Image, xmltree

LINK = {"rel": "self", "href": "https://example.org/"}


def test_links_take_the_place_of_those_there_were() -> None:
    root = xmltree.parse(
        b'<feed xmlns="http://www.w3.org/2005/Atom"><id/><link/><title/><link/></feed>'
    )

    xmltree.replace_links(root, [LINK, LINK])

    names = [etree.QName(child).localname for child in root]
    assert names == ["id", "link", "link", "title"]


def test_links_come_last_where_there_were_none() -> None:
    item = xmltree.parse(b"<item><title/><link>x</link></item>")

    xmltree.replace_links(item, [LINK])

    assert [child.tag for child in item] == ["title", "link", f"{xmltree.ATOM}link"]


def test_text_longer_than_the_parser_s_limit_is_read() -> None:
    text = b"x" * 10_000_001

    assert len(xmltree.parse(b"<a>" + text + b"</a>").text or "") == len(text)


def test_thumbnail_tells_the_sizes_that_are_known() -> None:
    item = xmltree.parse(b"<item/>")

    xmltree.add_thumbnail(item, Image(url="https://example.org/a.png", height=3))
    xmltree.add_thumbnail(item, None)

    assert [dict(child.attrib) for child in item] == [
        {"url": "https://example.org/a.png", "height": "3"}
    ]


def test_document_has_a_declaration_each_namespace_once_and_ends_in_a_line_feed() -> None:
    root = xmltree.parse(b"<rss><item/><item/></rss>")
    for item in root:
        xmltree.add(item, f"{xmltree.DC}language", "ar")

    document = xmltree.serialise(root)

    assert document.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<rss xmlns:dc="')
    assert document.endswith(b"</rss>\n")
    assert document.count(b"xmlns") == 1
