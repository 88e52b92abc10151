"""The faults of feedgen 1.0.0, each of which it still has. Our documents are in `test_documents`.

If a test fails after an upgrade of feedgen, the fault was corrected there, and the correction here,
which the docstring names, can be removed.
"""

import locale
from datetime import UTC, datetime
from typing import Any

import pytest
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds import EntryAttachment, xml_builder
from tests.feeds.samples import NOON, channel, entry, render_rss

ATOM = xml_builder.ATOM
SOUND = EntryAttachment(url="https://example.org/a.mp3", media_type="audio/mpeg", length=9)
FILM = EntryAttachment(url="https://example.org/a.mp4", media_type="video/mp4", length=7)


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


def test_entry_links_keep_only_their_href(feed: Any) -> None:
    """Corrected in `atom`, which adds all links."""
    add(feed).link(href="https://example.org/ar", rel="related", hreflang="ar")
    assert b'<link href="https://example.org/ar"/>' in feed.atom_str()


def test_channel_link_is_the_last_one_given(feed: Any) -> None:
    """Corrected by giving feedgen one link."""
    feed.link(href="https://example.org/feed.xml", rel="self")
    assert b"<link>https://example.org/feed.xml</link>" in feed.rss_str()


def test_rss_drops_every_link_but_self(feed: Any) -> None:
    """Corrected in `rss`, which adds all links."""
    feed.link(href="https://example.org/ar.xml", rel="alternate", hreflang="ar")
    assert b'hreflang="ar"' not in feed.rss_str()
    with pytest.raises(ValueError, match="Invalid value for rel"):
        add(feed).link(href="https://hub.example.net/", rel="hub")


def test_cdata_becomes_an_invalid_type(feed: Any) -> None:
    """Corrected by type="html"."""
    add(feed).content("<p>x</p>", type="CDATA")
    assert b'<content type="CDATA">' in feed.atom_str()


@pytest.mark.parametrize(("text", "error"), [("\x0b", ValueError), ("\ud800", UnicodeError)])
def test_one_bad_character_takes_the_feed_down(
    feed: Any, text: str, error: type[Exception]
) -> None:
    """Corrected in `normalisation`."""
    add(feed).title(text)
    with pytest.raises(error):
        feed.atom_str()


def test_moments_default_to_the_time_of_the_build() -> None:
    """Corrected by giving all moments."""
    before = datetime.now(UTC)
    assert FeedGenerator().updated() >= before
    assert FeedGenerator().add_entry().updated() >= before


def test_entries_come_out_in_reverse(feed: Any) -> None:
    """Corrected by building each entry from its own FeedEntry."""
    add(feed, "first")
    add(feed, "second")
    assert [item.title() for item in feed.entry()] == ["second", "first"]


def test_author_without_an_e_mail_address_is_lost_in_rss(feed: Any) -> None:
    """Corrected by dc:creator in `rss`."""
    add(feed).author({"name": "First Author"})
    assert b"First Author" not in feed.rss_str()


def test_author_without_a_name_is_lost_in_atom(feed: Any) -> None:
    """Corrected in `channels` and `entries`: an author needs a name."""
    add(feed).author({"email": "author@example.org"})
    assert b"author@example.org" not in feed.atom_str()


def test_rss_has_the_last_enclosure_and_guesses_its_length(feed: Any) -> None:
    """Corrected by giving feedgen the one enclosure whose length is known."""
    item = add(feed)
    item.enclosure(SOUND.url, None, "audio/mpeg")
    item.link(href=FILM.url, rel="enclosure", type="video/mp4")
    assert b'<enclosure url="https://example.org/a.mp4" length="0"' in feed.rss_str()


def test_description_makes_content_without_a_type(feed: Any) -> None:
    """Corrected by summary() and content(type="html")."""
    add(feed).description("<p>x</p>")
    assert b"<content>&lt;p&gt;" in feed.atom_str()


def test_entries_have_no_language_and_titles_no_type(feed: Any) -> None:
    """Corrected by xml:lang and type in `atom`, dc:language in `rss`."""
    item = add(feed)
    assert not hasattr(item, "language")
    with pytest.raises(TypeError):
        item.title("<b>", type="html")


def test_xhtml_breaks_on_usual_html(feed: Any) -> None:
    """Corrected by type="html"."""
    usual = "<p>a&nbsp;b<br></p>"
    add(feed).content(usual, type="xhtml")
    with pytest.raises(etree.XMLSyntaxError):
        feed.atom_str()


def test_there_is_no_json_no_history_no_tombstone_and_no_style_sheet(feed: Any) -> None:
    """Corrected in `jsonfeed`, `atom` and `rss`."""
    absent = ("json", "archive", "tombstone", "stylesheet")
    assert not [name for name in dir(feed) if any(word in name.lower() for word in absent)]


def test_dates_in_rss_switch_the_locale_of_the_process(
    feed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corrected by giving RSS no date."""
    switched: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *given: switched.append(given))
    feed.rss_str()
    assert switched
    switched.clear()
    render_rss(channel(entry()))
    assert not switched


def test_dates_keep_their_zone_and_fractions(feed: Any) -> None:
    """Corrected in `normalisation`."""
    odd = "2026-01-09T12:00:00.000005+05:30"
    feed.updated(datetime.fromisoformat(odd))
    assert f"<updated>{odd}</updated>".encode() in feed.atom_str()


def test_naive_date_is_refused_without_a_name(feed: Any) -> None:
    """Corrected in `normalisation`, with the entry's id."""
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"^Datetime object has no timezone info$"):
        add(feed).updated(naive)


def test_atom_elements_are_made_without_a_namespace(feed: Any) -> None:
    """Corrected by parsing the head again."""
    assert add(feed).atom_entry().tag == "entry"


def test_generator_is_feedgen_by_default(feed: Any) -> None:
    """Corrected by naming ours."""
    assert b">python-feedgen</generator>" in feed.atom_str()
    assert b"http://www.rssboard.org/rss-specification" in feed.rss_str()


def test_declaration_has_single_quotes_and_no_line_feed_ends_it(feed: Any) -> None:
    """Corrected in `xml_builder.serialise`."""
    assert feed.atom_str().startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert not feed.atom_str().endswith(b"\n")


def test_elements_of_apple_want_categories_of_years_ago(feed: Any) -> None:
    """Corrected in `xml_builder`."""
    feed.load_extension("podcast")
    with pytest.raises(ValueError, match="explicit"):
        feed.podcast.itunes_explicit("true")


def test_elements_of_other_kinds_need_an_extension(feed: Any) -> None:
    """Corrected in `xml_builder`, which adds elements to the tree."""
    item = add(feed)
    with pytest.raises(AttributeError):
        _ = item.media
