from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.etree import _Element

from feeds import Author, Channel, EntryAttachment, Link, xmltree
from feeds.atom import distinct_moments
from tests.feeds.data import archive, lantern
from tests.feeds.samples import ATOM_TYPE, NOON, channel, entry, render_atom

ATOM = xmltree.ATOM
EARLIER = NOON.replace(hour=11)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def tree(made: Channel) -> _Element:
    return xmltree.parse_xml(render_atom(made))


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


def test_links_are_complete_when_there_is_no_content() -> None:
    root = tree(channel(entry(content_html="", summary="Short.")))

    assert [dict(link.attrib) for link in root.findall(f"{ATOM}entry/{ATOM}link")] == [
        {
            "rel": "alternate",
            "type": "text/html",
            "hreflang": "en",
            "href": "https://example.org/en/one",
        }
    ]


def test_enclosure_has_type_and_length_and_what_else_there_is_is_media() -> None:
    sound, paper = (
        EntryAttachment(url=f"https://example.org/{kind}", media_type=kind, length=length)
        for kind, length in (("audio/mpeg", 9), ("application/pdf", 7))
    )

    element = tree(channel(entry(attachments=(sound, paper)))).find(f"{ATOM}entry")

    assert element is not None
    enclosures = element.findall(f"{ATOM}link[@rel='enclosure']")
    assert [(link.get("href"), link.get("length")) for link in enclosures] == [(sound.url, "9")]
    assert [content.get("url") for content in element.findall(f"{xmltree.MEDIA}content")] == [
        paper.url
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
    assert found[0].get("type") == ATOM_TYPE


def test_language_is_said_on_the_feed_and_where_an_entry_differs() -> None:
    root = tree(channel(entry("a"), entry("b", language="ar")))

    assert root.get(xmltree.XML_LANG) == "en"
    assert [item.get(xmltree.XML_LANG) for item in root.findall(f"{ATOM}entry")] == [None, "ar"]


def test_mixed_feed_says_the_language_of_each_entry() -> None:
    root = tree(channel(entry("a"), entry("b", language="ar"), mixed=True))

    assert root.get(xmltree.XML_LANG) == "en"
    assert [item.get(xmltree.XML_LANG) for item in root.findall(f"{ATOM}entry")] == ["en", "ar"]


def test_entries_with_one_moment_write_it_differently() -> None:
    """Validators take two equal `updated` for a mistake."""
    older = entry("d", published=EARLIER, updated=EARLIER)
    made = channel(*(entry(key) for key in "abc"), older)

    found = [item.findtext(f"{ATOM}updated") for item in tree(made).findall(f"{ATOM}entry")]

    assert found == [
        "2026-01-09T12:02:00+00:02",
        "2026-01-09T12:01:00+00:01",
        "2026-01-09T12:00:00+00:00",
        "2026-01-09T11:00:00+00:00",
    ]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([NOON, EARLIER, FIRST, LAST]), max_size=60))
def test_moments_that_are_written_differently_are_the_same(moments: list[datetime]) -> None:
    written = distinct_moments(moments)

    assert written == moments
    assert len({moment.isoformat() for moment in written}) == len(moments)


def test_what_comes_on_top_changes_no_older_moment() -> None:
    assert distinct_moments([NOON, NOON, NOON])[1:] == distinct_moments([NOON, NOON])
    assert [m.isoformat() for m in distinct_moments([NOON, NOON, NOON])[1:]] == [
        m.isoformat() for m in distinct_moments([NOON, NOON])
    ]


def test_more_entries_of_one_moment_than_a_day_has_minutes_are_written() -> None:
    assert set(distinct_moments([NOON] * 3000)) == {NOON}


def test_archive_is_marked_and_linked() -> None:
    root = tree(archive.CHANNEL)

    assert root.find(f"{xmltree.FH}archive") is not None
    relations = {link.get("rel") for link in root.findall(f"{ATOM}link")}
    assert {"current", "prev-archive", "next-archive"} <= relations
    assert tree(lantern.CHANNEL).find(f"{xmltree.FH}archive") is None


def test_what_was_withdrawn_has_a_tombstone_before_the_entries() -> None:
    root = tree(archive.CHANNEL)

    stones = root.findall(f"{xmltree.AT}deleted-entry")
    assert [dict(stone.attrib) for stone in stones] == [
        {
            "ref": "tag:news.example.org,2026:bucket/en",
            "when": "2025-06-01T09:30:00+00:00",
        },
        {
            "ref": "tag:news.example.org,2026:pulley/en",
            "when": "2025-05-01T09:30:00+00:00",
        },
    ]
    names = [child.tag for child in root]
    assert names.index(f"{xmltree.AT}deleted-entry") < names.index(f"{ATOM}entry")


def test_text_that_looks_like_html_is_html_that_shows_it() -> None:
    root = tree(channel(entry(title="<b> & c"), title="Q&A", description="<i>", rights="&copy"))

    for path, shown in (
        ("title", "Q&amp;A"),
        ("subtitle", "&lt;i&gt;"),
        ("rights", "&amp;copy"),
        ("entry/{A}title", "&lt;b&gt; &amp; c"),
    ):
        element = root.find(f"{ATOM}{path}".replace("{A}", ATOM))
        assert element is not None
        assert (element.get("type"), element.text) == ("html", shown)


def test_names_use_numeric_references_for_they_have_no_type() -> None:
    document = render_atom(
        channel(entry(authors=(Author(name="A & B"),)), author=Author(name="C&copy"))
    )

    assert b"<name>A &#x26; B</name>" in document
    assert b"<name>C&#x26;copy</name>" in document


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
