import pytest

from feeds import EntryAttachment, Link, links
from tests.feeds.samples import ATOM_TYPE, RSS_TYPE, addresses, channel, entry

ARABIC_RSS = Link(url="https://example.org/feeds/ar.rss.xml", language="ar", type=RSS_TYPE)
ARABIC_ATOM = Link(url="https://example.org/feeds/ar.atom.xml", language="ar", type=ATOM_TYPE)
CHINESE_ATOM = Link(url="https://example.org/feeds/zh.xml", language="zh-Hans", type=ATOM_TYPE)


def test_channel_names_itself_and_its_other_formats() -> None:
    found = [(link["rel"], link["href"]) for link in links.channel_links(channel(), "json")]

    assert found == [
        ("self", "https://example.org/feeds/en.json"),
        ("alternate", "https://example.org/feeds/en.rss.xml"),
        ("alternate", "https://example.org/feeds/en.atom.xml"),
    ]


def test_page_about_the_feed_describes_it() -> None:
    page = "https://example.org/en/feeds/"

    assert list(links.channel_links(channel(page_url=page), "rss"))[-1] == {
        "rel": "describedby",
        "type": "text/html",
        "hreflang": "en",
        "href": page,
    }


def test_hubs_are_named_without_a_type() -> None:
    found = links.channel_links(channel(hubs=("https://hub.example.net/",)), "rss")

    assert list(found)[-1] == {"rel": "hub", "href": "https://hub.example.net/"}


def test_subscription_document_leads_to_the_newest_archive() -> None:
    made = channel(previous=addresses("en/archive/7"))

    assert list(links.channel_links(made, "atom"))[3:] == [
        {
            "rel": "prev-archive",
            "type": ATOM_TYPE,
            "href": "https://example.org/feeds/en/archive/7.atom.xml",
        }
    ]


def test_archive_leads_both_ways_and_to_the_newest_in_its_own_format() -> None:
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


def test_mixed_channel_says_no_language_of_its_other_formats() -> None:
    mixed = channel(mixed=True, page_url="https://example.org/feeds/")

    found = [links.page_link(mixed), *links.channel_links(mixed, "rss")]
    assert not any("hreflang" in link for link in found)


def test_enclosure_has_its_type_and_true_length() -> None:
    sound = EntryAttachment(
        url="https://example.org/a.mp3", media_type="audio/mpeg", length=9, title="A"
    )

    assert list(links.enclosure_link(entry(attachments=(sound,)))) == [
        {
            "rel": "enclosure",
            "type": "audio/mpeg",
            "title": "A",
            "href": "https://example.org/a.mp3",
            "length": "9",
        }
    ]
    assert list(links.enclosure_link(entry())) == []


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Q & A", True), ("1 < 2", True), ("R&D", False), ("<b>x</b>", False), ("&#38;", False)],
)
def test_title_that_looks_like_html_is_left_out(title: str, shown: bool) -> None:
    arabic = Link(url="https://example.org/ar/one", language="ar", title=title)

    (found,) = links.translation_links(entry(translations=(arabic,)))

    assert found.get("title") == (title if shown else None)


def test_other_languages_come_in_the_same_format_where_there_is_one() -> None:
    many = channel(other_languages=(ARABIC_RSS, ARABIC_ATOM, CHINESE_ATOM))

    assert links.other_languages(many, "rss") == (ARABIC_RSS, CHINESE_ATOM)
    assert links.other_languages(many, "atom") == (ARABIC_ATOM, CHINESE_ATOM)


def test_translations_are_related_and_the_own_language_is_the_alternate() -> None:
    one = entry(translations=(Link(url="https://example.org/ar/one", language="ar"),))

    assert links.entry_link(one)["rel"] == "alternate"
    assert list(links.translation_links(one)) == [
        {
            "rel": "related",
            "type": "text/html",
            "hreflang": "ar",
            "href": "https://example.org/ar/one",
        }
    ]
