"""RSS: what the expected documents do not show."""

import pytest
from lxml.etree import _Element

from feeds import Author, Channel, xml_builder
from tests.feeds.data import archive, lantern, podcast
from tests.feeds.samples import channel, entry, render_rss


def tree(made: Channel) -> _Element:
    return xml_builder.parse_xml(render_rss(made))[0]


@pytest.mark.parametrize("made", [lantern.CHANNEL, podcast.CHANNEL, archive.CHANNEL])
def test_the_head_comes_before_the_items(made: Channel) -> None:
    names = [child.tag for child in tree(made)]

    assert set(names[names.index("item") :]) == {"item"}


def test_authors_are_creators_without_e_mail_addresses() -> None:
    authors = Author(name="First Author", affiliation="Institute"), Author(name="Second Author")

    document = render_rss(channel(entry(authors=authors)))

    item = xml_builder.parse_xml(document)[0].findall(f"item/{xml_builder.DC}creator")
    assert [creator.text for creator in item] == ["First Author", "Second Author"]
    assert b"@" not in document
    assert b"Institute" not in document


def test_content_without_a_summary_is_the_description() -> None:
    item = tree(channel(entry(summary="", content_html="<p>Long.</p>"))).find("item")

    assert item is not None
    assert item.findtext("description") == "<p>Long.</p>"
    assert item.find("{http://purl.org/rss/1.0/modules/content/}encoded") is None


def test_a_summary_is_escaped_html() -> None:
    root = tree(channel(entry(summary="1 < 2 & <b>")))

    assert root.findtext("item/description") == "1 &lt; 2 &amp; &lt;b&gt;"


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


def test_content_is_escaped_html_without_numeric_references() -> None:
    document = render_rss(channel(entry(title="A & B", content_html="<p>A &amp; B</p>")))

    assert b"<description>&lt;p&gt;A &amp;amp; B&lt;/p&gt;</description>" in document


def test_an_end_tag_in_a_title_is_broken_by_a_word_joiner() -> None:
    document = render_rss(channel(entry(title="On </title> and </b>")))

    assert (
        "<title>On &#x3C;\u2060/title&gt; and &#x3C;\u2060/b&gt;</title>".encode() in document
    )


@pytest.mark.parametrize(
    ("icon", "expected"),
    [
        ("https://example.org/i.PNG", "https://example.org/i.PNG"),
        ("https://example.org/i.svg", None),
    ],
)
def test_an_icon_is_the_image_if_rss_allows_its_format(icon: str, expected: str | None) -> None:
    root = tree(channel(icon=icon))

    assert root.findtext("image/url") == expected
    assert root.findtext("image/title", root.findtext("title")) == root.findtext("title")
    assert root.findtext("image/link", root.findtext("link")) == root.findtext("link")
