from lxml.etree import _Element

from feeds import Author, Channel, Link, links, render_atom, xmltree
from tests.feeds.data import lantern
from tests.feeds.samples import channel, entry

ATOM = xmltree.ATOM


def tree(made: Channel) -> _Element:
    return xmltree.parse(render_atom(made))


def test_entry_has_exactly_one_alternate_with_type_and_language() -> None:
    for element in tree(lantern.CHANNEL).findall(f"{ATOM}entry"):
        alternates = element.findall(f"{ATOM}link[@rel='alternate']")
        assert [set(link.attrib) for link in alternates] == [
            {"rel", "type", "hreflang", "href"}
        ]


def test_translations_are_related_links_with_a_language() -> None:
    translations = (Link(url="https://example.org/ar/one", language="ar", title="واحد"),)

    related = tree(channel(entry(translations=translations))).findall(
        f"{ATOM}entry/{ATOM}link[@rel='related']"
    )

    assert [dict(link.attrib) for link in related] == [
        {
            "rel": "related",
            "type": "text/html",
            "hreflang": "ar",
            "title": "واحد",
            "href": "https://example.org/ar/one",
        }
    ]


def test_no_two_alternates_share_type_and_language() -> None:
    found = [
        (link.get("type"), link.get("hreflang"))
        for link in tree(lantern.CHANNEL).findall(f"{ATOM}link[@rel='alternate']")
    ]

    assert len(found) == len(set(found)) == 5


def test_self_link_is_the_public_address() -> None:
    found = tree(channel()).findall(f"{ATOM}link[@rel='self']")

    assert [link.get("href") for link in found] == ["https://example.org/feeds/en.atom.xml"]
    assert found[0].get("type") == links.ATOM


def test_language_is_said_on_the_feed_and_where_an_entry_differs() -> None:
    root = tree(channel(entry("a"), entry("b", language="ar")))

    assert root.get(xmltree.LANG) == "en"
    assert [item.get(xmltree.LANG) for item in root.findall(f"{ATOM}entry")] == [None, "ar"]


def test_mixed_feed_says_the_language_of_each_entry() -> None:
    root = tree(channel(entry("a"), language=None))

    assert root.get(xmltree.LANG) is None
    assert [item.get(xmltree.LANG) for item in root.findall(f"{ATOM}entry")] == ["en"]


def test_content_is_escaped_html_and_never_cdata() -> None:
    document = render_atom(channel(entry(content_html="<p>]]&gt; &amp;</p>")))

    assert b'<content type="html">&lt;p&gt;]]&amp;gt; &amp;amp;&lt;/p&gt;</content>' in document
    assert b"CDATA" not in document


def test_entry_without_content_has_no_content_element() -> None:
    root = tree(channel(entry(content_html="", summary="Short.")))

    assert root.find(f".//{ATOM}content") is None
    assert root.findtext(f".//{ATOM}summary") == "Short."


def test_affiliation_is_no_part_of_the_author_s_name() -> None:
    author = Author(name="First Author", affiliation="Example Institute")

    document = render_atom(channel(entry(authors=(author,))))

    assert b"<name>First Author</name>" in document
    assert b"Institute" not in document


def test_feed_without_entries_is_whole() -> None:
    root = tree(channel())

    assert root.findtext(f"{ATOM}updated") == "2026-01-09T12:00:00+00:00"
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "The Lantern"


def test_generator_is_named_with_its_version() -> None:
    assert b"<generator>newsletter-publisher</generator>" in render_atom(channel())
    assert b'<generator version="1.2">newsletter-publisher<' in render_atom(
        channel(generator_version="1.2")
    )
