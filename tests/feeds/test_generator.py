"""The faults of feedgen 1.0.0 that this package repairs, seen on feedgen itself.

When one of these fails after an upgrade, the fault is mended upstream and its repair,
named in each test, may go.
"""

import locale
from datetime import UTC, datetime
from typing import Any

import pytest
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds import Author, generator, xmltree
from tests.feeds.samples import NOON, channel, entry


@pytest.fixture
def feed() -> Any:
    plain = FeedGenerator()
    plain.id("tag:example.org,2026:feed")
    plain.title("The Lantern")
    plain.description("Light on things")
    plain.link(href="https://example.org/", rel="alternate")
    plain.updated(NOON)
    return plain


def add(feed: Any, key: str = "one", **options: Any) -> Any:
    item = feed.add_entry(**options)
    item.id(f"tag:example.org,2026:{key}")
    item.title(key)
    item.link(href=f"https://example.org/{key}", rel="alternate")
    item.updated(NOON)
    return item


def test_f1_entry_links_keep_only_their_href(feed: Any) -> None:
    """Repaired by xmltree.replace_links in atom."""
    add(feed).link(href="https://example.org/ar", rel="related", hreflang="ar")

    assert b'<link href="https://example.org/ar"/>' in feed.atom_str()


def test_f2_channel_link_is_the_last_one_given(feed: Any) -> None:
    """Repaired by giving feedgen one link."""
    feed.link(href="https://example.org/feed.xml", rel="self")

    assert b"<link>https://example.org/feed.xml</link>" in feed.rss_str()


def test_f3_rss_drops_every_link_but_self(feed: Any) -> None:
    """Repaired by xmltree.replace_links in rss."""
    feed.link(href="https://example.org/ar.xml", rel="alternate", hreflang="ar")

    assert b'hreflang="ar"' not in feed.rss_str()


def test_f4_cdata_becomes_an_invalid_type(feed: Any) -> None:
    """Repaired by asking for type html."""
    add(feed).content("<p>x</p>", type="CDATA")

    assert b'<content type="CDATA">' in feed.atom_str()


@pytest.mark.parametrize(("text", "error"), [("\x0b", ValueError), ("\ud800", UnicodeError)])
def test_f7_one_bad_character_takes_the_feed_down(
    feed: Any, text: str, error: type[Exception]
) -> None:
    """Repaired by feeds.text, in the model."""
    add(feed).title(text)

    with pytest.raises(error):
        feed.atom_str()


def test_f8_moments_default_to_the_time_of_the_build() -> None:
    """Repaired by giving each moment."""
    before = datetime.now(UTC)

    assert FeedGenerator().updated() >= before
    assert FeedGenerator().add_entry().updated() >= before


def test_f9_entries_come_out_in_reverse(feed: Any) -> None:
    """Repaired by order="append"."""
    add(feed, "first")
    add(feed, "second")

    assert [item.title() for item in feed.entry()] == ["second", "first"]


def test_f10_author_without_address_is_lost_in_rss(feed: Any) -> None:
    """Repaired by dc:creator in rss."""
    add(feed).author({"name": "First Author"})

    assert b"First Author" not in feed.rss_str()


def test_f11_author_without_name_is_lost_in_atom(feed: Any) -> None:
    """Repaired by the model: channels need a name, authors without one are dropped."""
    add(feed).author({"email": "author@example.org"})

    assert b"author@example.org" not in feed.atom_str()


def test_f14_description_makes_content_without_a_type(feed: Any) -> None:
    """Repaired by summary() and content(type="html")."""
    add(feed).description("<p>x</p>")

    assert b"<content>&lt;p&gt;" in feed.atom_str()


def test_f15_entries_have_no_language(feed: Any) -> None:
    """Repaired by xml:lang in atom and dc:language in rss."""
    assert not hasattr(add(feed), "language")


def test_f16_xhtml_breaks_on_usual_html(feed: Any) -> None:
    """Repaired by asking for type html."""
    add(feed).content("<p>a&nbsp;b<br></p>", type="xhtml")

    with pytest.raises(etree.XMLSyntaxError):
        feed.atom_str()


def test_f18_dates_in_rss_switch_the_locale_of_the_process(
    feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repaired by giving RSS no date; the name is replaced since a race shows rarely."""
    switched: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *given: switched.append(given))
    feed.rss_str()
    assert switched

    switched.clear()
    generator.rss_tree(channel(entry()))
    assert not switched


def test_f19_dates_keep_their_zone_and_fractions(feed: Any) -> None:
    """Repaired in the model."""
    feed.updated(datetime.fromisoformat("2026-01-09T12:00:00.000005+05:30"))

    assert b"<updated>2026-01-09T12:00:00.000005+05:30</updated>" in feed.atom_str()


def test_f19_naive_date_is_refused_without_a_name(feed: Any) -> None:
    """Repaired in the model, which names the entry."""
    with pytest.raises(ValueError, match=r"^Datetime object has no timezone info$"):
        add(feed).updated(NOON.replace(tzinfo=None))


def test_f20_atom_elements_are_made_without_a_namespace(feed: Any) -> None:
    """Repaired by parsing what feedgen wrote before anything is added."""
    assert add(feed).atom_entry().tag == "entry"
    assert xmltree.parse(feed.atom_str()).tag == f"{xmltree.ATOM}feed"


def test_f21_generator_is_feedgen_unless_told(feed: Any) -> None:
    """Repaired by naming ours."""
    assert b">python-feedgen</generator>" in feed.atom_str()
    assert b"http://www.rssboard.org/rss-specification" in feed.rss_str()


def test_f22_declaration_has_single_quotes_and_no_line_feed_ends_it(feed: Any) -> None:
    """Repaired by xmltree.serialise."""
    assert feed.atom_str().startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert not feed.atom_str().endswith(b"\n")


def test_trees_hold_the_entries_in_the_channel_s_order() -> None:
    both = channel(entry("a"), entry("b"))
    titles = ["Title of a", "Title of b"]

    assert [title.text for title in generator.rss_tree(both).iter("title")][1:] == titles
    atom = generator.atom_tree(both).findall(f"{xmltree.ATOM}entry/{xmltree.ATOM}title")
    assert [title.text for title in atom] == titles


def test_author_s_address_is_told_in_atom() -> None:
    author = Author(name="First Author", url="https://example.org/first")

    tree = generator.atom_tree(channel(entry(authors=(author,))))

    assert tree.findtext(f".//{xmltree.ATOM}uri") == "https://example.org/first"
