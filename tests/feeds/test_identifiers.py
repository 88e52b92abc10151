"""Identifiers of entries, and addresses that lead to them."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feeds import InvalidIdentifierError, Link, links, tag_uri
from feeds.normalisation import absolute_uri, identity, language_tag, normalise_text, one_line
from tests.cpu_time import at_most
from tests.feeds.samples import ATOM_TYPE, RSS_TYPE, addresses, channel, entry


@pytest.mark.parametrize("day", ["2026", "2026-01", "2026-01-09"])
def test_a_tag_uri_has_a_year_month_or_day(day: str) -> None:
    assert tag_uri("example.org", day, "a/lamp/en") == f"tag:example.org,{day}:a/lamp/en"


def test_a_tag_uri_has_a_date_and_an_authority_in_lower_case_and_is_encoded() -> None:
    assert tag_uri("example.org", date(2026, 1, 9), "x") == "tag:example.org,2026-01-09:x"
    assert tag_uri("Editor@Example.ORG", "2026", "X") == "tag:editor@example.org,2026:X"
    assert tag_uri("example.org", "2026", "灯 #1%") == (
        "tag:example.org,2026:%E7%81%AF%20%231%25"
    )


@settings(deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_different_keys_give_different_tag_uris(one: str, other: str) -> None:
    keys = [f"k{normalise_text(key).strip()}" for key in (one, other)]
    made = [tag_uri("example.org", "2026", key) for key in keys]
    assert made[0].isascii()
    assert (made[0] == made[1]) == (one_line(keys[0]) == one_line(keys[1]))


@pytest.mark.parametrize(
    ("authority", "day", "specific"),
    [
        ("", "2026", "x"),
        ("example.org:80", "2026", "x"),
        ("灯.example.org", "2026", "x"),
        ("example.org", "26", "x"),
        ("example.org", "2026-1-9", "x"),
        ("example.org", datetime(2026, 1, 9, tzinfo=UTC), "x"),
        ("example.org", "2026", "\x00 "),
    ],
)
def test_a_tag_uri_outside_rfc_4151_is_refused(
    authority: str, day: date | str, specific: str
) -> None:
    with pytest.raises(InvalidIdentifierError, match="tag: URI"):
        tag_uri(authority, day, specific)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://example.org/a?b=c&d=%20#e", "https://example.org/a?b=c&d=%20#e"),
        (" https://example.org/a b\n", "https://example.org/a%20b"),
        ("https://example.org/灯|", "https://example.org/%E7%81%AF%7C"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]/"),
        ("http://[2001:db8::1]:80/a[0]", "http://[2001:db8::1]:80/a%5B0%5D"),
        ("https://example.org/a?b[]=c#[d]", "https://example.org/a?b%5B%5D=c#%5Bd%5D"),
        ("urn:uuid:0", "urn:uuid:0"),
        # A host is encoded as browsers do, and nothing else by IDNA.
        ("https://straße.de/a", "https://xn--strae-oqa.de/a"),
        ("https://نامه\u200cای.com/", "https://xn--mgba3gch31f060k.com/"),
        ("https://é@münchen.de/", "https://%C3%A9@xn--mnchen-3ya.de/"),
        ("https://x.org/?to=://[<script> x", "https://x.org/?to=://%5B%3Cscript%3E%20x"),
        ("HTTPS://ü.de/?", "HTTPS://xn--tda.de/?"),
        ("https://x.org/?to=http://[::1]/", "https://x.org/?to=http://%5B::1%5D/"),
        ("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
        ("mailto:é@münchen.de", "mailto:%C3%A9@m%C3%BCnchen.de"),
    ],
)
def test_an_absolute_uri_is_in_ascii(given: str, expected: str) -> None:
    assert absolute_uri(given) == expected
    assert absolute_uri(expected) == expected


@pytest.mark.parametrize(
    "given", ["", "/a", "example.org/a", "//example.org", "https:", "1a:b"]
)
def test_a_relative_address_is_refused(given: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="is not an absolute address"):
        absolute_uri(given)


def test_an_id_is_unchanged_and_has_no_white_space() -> None:
    assert identity("tag:Example.org,2026:灯") == "tag:Example.org,2026:灯"
    with pytest.raises(InvalidIdentifierError, match="white space"):
        identity("tag:example.org,2026:a b")


@pytest.mark.parametrize("tag", ["en", "zh-Hans", "zh-Hant-HK", "es-419", "de-DE-1996"])
def test_a_language_tag_is_unchanged(tag: str) -> None:
    assert language_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", "e", "zh_Hant", "en-", "en us", "中文"])
def test_a_malformed_language_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidIdentifierError, match="BCP 47"):
        language_tag(tag)


@pytest.mark.parametrize(
    "written",
    [
        *("https://[é/", "https://[::1/", f"https://{'é' * 70}.example/", "https://ü..de/a"),
        *("https://x.org:é/", "https://é.org:x/"),
        *("https://[<b>]/", "https://a[::1]/", "https://[::1]x/", "https://münchen.de:８０/"),
        *("https://ex℀mple.org/", "https://i❤.example/", f"https://{'ü.' * 200_000}example/"),
    ],
    ids=lambda written: written[:20],
)
def test_a_malformed_host_is_refused_quickly(written: str) -> None:
    with at_most(2), pytest.raises(InvalidIdentifierError, match="has a malformed host"):
        absolute_uri(written)


ARABIC_RSS = Link(url="https://example.org/feeds/ar.rss.xml", language="ar", type=RSS_TYPE)
ARABIC_ATOM = Link(url="https://example.org/feeds/ar.atom.xml", language="ar", type=ATOM_TYPE)
CHINESE_ATOM = Link(url="https://example.org/feeds/zh.xml", language="zh-Hans", type=ATOM_TYPE)


def test_an_archive_links_to_both_neighbours_and_the_subscription_document() -> None:
    made = channel(
        addresses={"atom": addresses("en/archive/2")["atom"]},
        previous=addresses("en/archive/1")["atom"],
        following=addresses("en/archive/3")["atom"],
        current=addresses("en")["atom"],
    )
    assert [(link["rel"], link["href"]) for link in links.channel_links(made, "atom")][1:] == [
        ("current", "https://example.org/feeds/en.atom.xml"),
        ("prev-archive", "https://example.org/feeds/en/archive/1.atom.xml"),
        ("next-archive", "https://example.org/feeds/en/archive/3.atom.xml"),
    ]


def test_feeds_are_linked_in_their_format_with_languages_where_there_is_one() -> None:
    mixed = channel(mixed=True, page_url="https://example.org/feeds/")
    found = [links.page_link(mixed), *links.channel_links(mixed, "rss")]
    assert not any("hreflang" in link for link in found)
    many = channel(other_languages=(ARABIC_RSS, ARABIC_ATOM, CHINESE_ATOM))
    assert links.other_languages(many, "rss") == (ARABIC_RSS, CHINESE_ATOM)
    assert links.other_languages(many, "atom") == (ARABIC_ATOM, CHINESE_ATOM)


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Q & A", True), ("1 < 2", True), ("R&D", False), ("<b>x</b>", False), ("&#38;", False)],
)
def test_a_title_that_looks_like_html_is_left_out(title: str, shown: bool) -> None:
    arabic = Link(url="https://example.org/ar/one", language="ar", title=title)
    (found,) = links.translation_links(entry(translations=(arabic,)))
    assert found.get("title") == (title if shown else None)
