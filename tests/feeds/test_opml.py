"""OPML: the expected document, and what feed readers do with special characters."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import atoma
import pytest
from lxml import etree

from feeds.errors import FeedsError, InvalidChannelError, InvalidIdentifierError
from feeds.opml import Outline, OutlineGroup, render_opml
from tests.cpu_time import at_most
from tools.feed_validator import faults

NOON = datetime(2026, 1, 9, 12, 0, tzinfo=UTC)
ENGLISH = Outline(
    text="The Lantern",
    xml_url="https://example.org/feeds/en.rss.xml",
    html_url="https://example.org/en/",
    language="en",
    description="Light on things",
)
ARABIC = Outline(text="الفانوس", xml_url="https://example.org/feeds/ar.rss.xml", language="ar")


def feed(text: str = "A feed", **changes: str) -> Outline:
    return Outline(text=text, xml_url="https://example.org/feed", **changes)


def rendered(*items: OutlineGroup | Outline) -> bytes:
    return render_opml("Index", items, updated=NOON)


def outlines(document: bytes) -> list[dict[str, str]]:
    found = etree.fromstring(document).iterfind(".//outline")
    return [{str(name): str(value) for name, value in one.items()} for one in found]


def test_the_document_is_as_expected_and_its_date_in_utc() -> None:
    items = (OutlineGroup(text="English", outlines=(ENGLISH,)), ARABIC)
    document = render_opml("The Lantern", items, updated=NOON)
    expected = Path(__file__).with_name("data") / "lanterns.opml"
    assert document == expected.read_bytes()
    assert faults(document, "opml") == []
    beijing = timezone(timedelta(hours=8))
    document = render_opml("Index", (ENGLISH,), updated=NOON.astimezone(beijing))
    assert b"<dateModified>Fri, 09 Jan 2026 12:00:00 GMT</dateModified>" in document


def test_atoma_finds_every_feed() -> None:
    read = atoma.parse_opml_bytes(
        rendered(OutlineGroup(text="English", outlines=(ENGLISH,)), ARABIC)
    )
    assert [outline.text for outline in read.outlines] == ["English", "الفانوس"]
    assert read.outlines[0].outlines[0].xml_url == ENGLISH.xml_url
    assert read.outlines[1].xml_url == ARABIC.xml_url


@pytest.mark.parametrize("text", ["  ", "\x00"])
def test_a_blank_text_becomes_the_address(text: str) -> None:
    assert (
        Outline(text=text, xml_url="https://example.org/feed").text
        == "https://example.org/feed"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("R&D", "R & D"),
        ("Q & A", "Q & A"),
        ("&amp;", "& amp;"),
        ("<b>5 < 6</b>", "‹b›5 ‹ 6‹/b›"),
        ("a\u2028b\x0bc\ud800", "a bc"),
        ("]]>", "]]›"),
    ],
    ids=ascii,
)
def test_texts_mean_the_same_as_plain_text_and_as_html(text: str, shown: str) -> None:
    document = render_opml(
        text, [OutlineGroup(text=text, outlines=(feed(text, description=text),))], updated=NOON
    )
    group, outline = outlines(document)
    assert group == {"text": shown}
    assert outline["text"] == outline["title"] == outline["description"] == shown
    assert faults(document, "opml") == []


def test_addresses_are_written_as_uris_and_an_empty_group_is_left_out() -> None:
    outline = Outline(text="x", xml_url="https://example.org/井", html_url="https://例え.jp/")
    assert outline.xml_url == "https://example.org/%E4%BA%95"
    assert outline.html_url == "https://xn--r8jz45g.jp/"
    assert (
        outlines(rendered(OutlineGroup(text="None", outlines=()), feed()))[0]["type"] == "rss"
    )


def test_a_list_needs_feeds_names_and_a_date_with_a_time_zone() -> None:
    with pytest.raises(InvalidChannelError, match="Index: an OPML document needs at least one"):
        rendered(OutlineGroup(text="None", outlines=()))
    with pytest.raises(FeedsError, match="no text"):
        OutlineGroup(text=" ", outlines=(ENGLISH,))
    with pytest.raises(InvalidChannelError, match="title is blank"):
        render_opml("\x00", (ENGLISH,), updated=NOON)
    with pytest.raises(InvalidChannelError, match="no time zone"):
        render_opml("Index", (ENGLISH,), updated=datetime(2026, 1, 9))  # noqa: DTZ001 -- naive on purpose


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"xml_url": "/feed"}, "'/feed'"),
        ({"html_url": "page"}, "'page'"),
        ({"language": "pt_BR"}, "'pt_BR'"),
    ],
)
def test_a_malformed_outline_is_refused_with_its_value(
    changes: dict[str, str], named: str
) -> None:
    with pytest.raises(InvalidIdentifierError, match=named):
        Outline(**({"text": "x", "xml_url": "https://example.org/feed"} | changes))


def test_a_text_of_many_spaces_is_rendered_quickly() -> None:
    blanks = " " * 300_000
    with at_most(5):
        document = render_opml(f"a{blanks}b & c", (ENGLISH,), updated=NOON)
    assert b"<title>a b &amp; c</title>" in document
