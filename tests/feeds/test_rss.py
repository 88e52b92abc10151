import pytest
from lxml.etree import _Element

from feeds import Author, Channel, Link, xmltree
from tests.feeds.data import archive, lantern, podcast
from tests.feeds.samples import ATOM_TYPE, JSON_TYPE, NOON, RSS_TYPE, channel, entry, render_rss


def tree(made: Channel) -> _Element:
    return xmltree.parse_xml(render_rss(made))[0]


def test_channel_link_is_the_site() -> None:
    assert tree(lantern.CHANNEL).findtext("link") == "https://news.example.org/en/"


def test_channel_links_to_itself_and_to_other_formats_and_languages() -> None:
    other = Link(url="https://example.org/feeds/ar.rss.xml", language="ar", type=RSS_TYPE)

    found = tree(channel(other_languages=(other,))).findall(f"{xmltree.ATOM}link")

    assert [(link.get("rel"), link.get("type"), link.get("hreflang")) for link in found] == [
        ("self", RSS_TYPE, None),
        ("alternate", ATOM_TYPE, "en"),
        ("alternate", JSON_TYPE, "en"),
        ("alternate", RSS_TYPE, "ar"),
    ]


def test_item_has_no_alternate_beside_its_link() -> None:
    """feedparser would take it for the item's link."""
    for item in tree(lantern.CHANNEL).findall("item"):
        relations = {link.get("rel") for link in item.findall(f"{xmltree.ATOM}link")}
        assert relations <= {"related"}


@pytest.mark.parametrize("made", [lantern.CHANNEL, podcast.CHANNEL, archive.CHANNEL])
def test_what_describes_the_channel_stands_before_its_items(made: Channel) -> None:
    names = [child.tag for child in tree(made)]

    assert set(names[names.index("item") :]) == {"item"}


def test_hub_and_archives_are_linked() -> None:
    root = tree(archive.CHANNEL)

    found = [link.get("rel") for link in root.findall(f"{xmltree.ATOM}link")]
    assert found[-4:] == ["hub", "current", "prev-archive", "next-archive"]
    assert root.find(f"{xmltree.FH}archive") is not None
    assert tree(lantern.CHANNEL).find(f"{xmltree.FH}archive") is None


def test_what_was_withdrawn_is_just_gone() -> None:
    assert b"bucket" not in render_rss(archive.CHANNEL)


def test_dates_are_rfc_822_in_gmt() -> None:
    root = tree(channel(entry(published=NOON, updated=NOON.replace(hour=13))))

    assert root.findtext("lastBuildDate") == "Fri, 09 Jan 2026 13:00:00 GMT"
    assert root.findtext("item/pubDate") == "Fri, 09 Jan 2026 12:00:00 GMT"


def test_names_are_creators_and_no_address_is_invented() -> None:
    authors = Author(name="First Author", affiliation="Institute"), Author(name="Second Author")

    document = render_rss(channel(entry(authors=authors)))

    item = xmltree.parse_xml(document)[0].findall(f"item/{xmltree.DC}creator")
    assert [creator.text for creator in item] == ["First Author", "Second Author"]
    assert b"@" not in document
    assert b"Institute" not in document


def test_language_is_said_on_the_channel_and_where_an_item_differs() -> None:
    root = tree(channel(entry("a"), entry("b", language="ar")))

    assert root.findtext("language") == "en"
    assert [item.findtext(f"{xmltree.DC}language") for item in root.findall("item")] == [
        None,
        "ar",
    ]


def test_mixed_feed_says_the_language_of_each_item() -> None:
    root = tree(channel(entry("a"), entry("b", language="ar"), mixed=True))

    assert root.findtext("language") == "en"
    assert [item.findtext(f"{xmltree.DC}language") for item in root.findall("item")] == [
        "en",
        "ar",
    ]


def test_description_precedes_the_full_text() -> None:
    item = tree(channel(entry(summary="Short.", content_html="<p>Long.</p>"))).find("item")

    assert item is not None
    names = [child.tag for child in item]
    assert names.index("description") < names.index(
        "{http://purl.org/rss/1.0/modules/content/}encoded"
    )
    assert item.findtext("description") == "Short."


def test_full_text_without_a_summary_is_the_description() -> None:
    item = tree(channel(entry(summary="", content_html="<p>Long.</p>"))).find("item")

    assert item is not None
    assert item.findtext("description") == "<p>Long.</p>"
    assert item.find("{http://purl.org/rss/1.0/modules/content/}encoded") is None


def test_plain_summary_is_escaped_for_a_field_that_is_html() -> None:
    root = tree(channel(entry(summary="1 < 2 & <b>")))

    assert root.findtext("item/description") == "1 &lt; 2 &amp; &lt;b&gt;"


def test_plain_text_uses_the_character_references_of_the_profile() -> None:
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


def test_html_uses_no_such_references() -> None:
    document = render_rss(channel(entry(title="A & B", content_html="<p>A &amp; B</p>")))

    assert b"<description>&lt;p&gt;A &amp;amp; B&lt;/p&gt;</description>" in document


def test_end_tag_in_a_title_is_one_to_nobody() -> None:
    document = render_rss(channel(entry(title="On </title> and </b>")))

    assert (
        "<title>On &#x3C;\u2060/title&gt; and &#x3C;\u2060/b&gt;</title>".encode() in document
    )


def test_guid_is_the_id_and_no_address() -> None:
    guid = tree(channel(entry("lamp"))).find("item/guid")

    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == ("tag:example.org,2026:lamp/en", "false")


@pytest.mark.parametrize(
    ("icon", "expected"),
    [
        ("https://example.org/i.PNG", "https://example.org/i.PNG"),
        ("https://example.org/i.svg", None),
    ],
)
def test_icon_is_the_image_where_rss_knows_its_kind(icon: str, expected: str | None) -> None:
    root = tree(channel(icon=icon))

    assert root.findtext("image/url") == expected
    assert root.findtext("image/title", root.findtext("title")) == root.findtext("title")
    assert root.findtext("image/link", root.findtext("link")) == root.findtext("link")


def test_generator_is_named_with_its_version() -> None:
    assert tree(channel()).findtext("generator") == "newsletter-publisher"
    assert tree(channel(generator_version="1.2")).findtext("generator") == (
        "newsletter-publisher 1.2"
    )
