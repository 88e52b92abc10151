from feeds import Link, links
from tests.feeds.samples import channel, entry

ARABIC_RSS = Link(url="https://example.org/feeds/ar.rss.xml", language="ar", type=links.RSS)
ARABIC_ATOM = Link(url="https://example.org/feeds/ar.atom.xml", language="ar", type=links.ATOM)
CHINESE_ATOM = Link(url="https://example.org/feeds/zh.xml", language="zh-Hans", type=links.ATOM)


def test_channel_names_itself_and_its_other_formats() -> None:
    found = [(link["rel"], link["href"]) for link in links.channel_links(channel(), links.JSON)]

    assert found == [
        ("self", "https://example.org/feeds/en.json"),
        ("alternate", "https://example.org/feeds/en.atom.xml"),
        ("alternate", "https://example.org/feeds/en.rss.xml"),
    ]


def test_other_languages_come_in_the_same_format_where_there_is_one() -> None:
    many = channel(other_languages=(ARABIC_RSS, ARABIC_ATOM, CHINESE_ATOM))

    assert links.other_languages(many, links.RSS) == (ARABIC_RSS, CHINESE_ATOM)
    assert links.other_languages(many, links.ATOM) == (ARABIC_ATOM, CHINESE_ATOM)


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


def test_unknown_attributes_are_left_out() -> None:
    assert links.attributes("self", "https://example.org/", None) == {
        "rel": "self",
        "href": "https://example.org/",
    }
