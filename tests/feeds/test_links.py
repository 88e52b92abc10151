import pytest

from feeds import Link, links
from tests.feeds.samples import ATOM_TYPE, RSS_TYPE, addresses, channel, entry

ARABIC_RSS = Link(url="https://example.org/feeds/ar.rss.xml", language="ar", type=RSS_TYPE)
ARABIC_ATOM = Link(url="https://example.org/feeds/ar.atom.xml", language="ar", type=ATOM_TYPE)
CHINESE_ATOM = Link(url="https://example.org/feeds/zh.xml", language="zh-Hans", type=ATOM_TYPE)


def test_an_archive_links_to_both_neighbours_and_the_subscription_document() -> None:
    made = channel(
        addresses=addresses("en/archive/2"),
        previous=addresses("en/archive/1"),
        following=addresses("en/archive/3"),
        current=addresses("en"),
    )

    assert [(link["rel"], link["href"]) for link in links.channel_links(made, "rss")][3:] == [
        ("current", "https://example.org/feeds/en.rss.xml"),
        ("prev-archive", "https://example.org/feeds/en/archive/1.rss.xml"),
        ("next-archive", "https://example.org/feeds/en/archive/3.rss.xml"),
    ]


def test_links_of_a_mixed_channel_have_no_language() -> None:
    mixed = channel(mixed=True, page_url="https://example.org/feeds/")

    found = [links.page_link(mixed), *links.channel_links(mixed, "rss")]
    assert not any("hreflang" in link for link in found)


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Q & A", True), ("1 < 2", True), ("R&D", False), ("<b>x</b>", False), ("&#38;", False)],
)
def test_a_title_that_looks_like_html_is_left_out(title: str, shown: bool) -> None:
    arabic = Link(url="https://example.org/ar/one", language="ar", title=title)

    (found,) = links.translation_links(entry(translations=(arabic,)))

    assert found.get("title") == (title if shown else None)


def test_other_languages_are_linked_in_the_same_format_if_there_is_one() -> None:
    many = channel(other_languages=(ARABIC_RSS, ARABIC_ATOM, CHINESE_ATOM))

    assert links.other_languages(many, "rss") == (ARABIC_RSS, CHINESE_ATOM)
    assert links.other_languages(many, "atom") == (ARABIC_ATOM, CHINESE_ATOM)
