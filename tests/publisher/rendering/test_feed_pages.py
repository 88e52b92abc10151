"""The pages that say how to subscribe, rendered for real."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxml import etree, html

from publisher.languages import direction
from publisher.rendering import FeedGroup, FeedPageLink, Renderer
from tests.publisher.rendering import sample

RENDERER = Renderer()
KINDS = ("language", "topic", "author", "all")
HOSTILE = '</script><script>alert("1")</script> \'&amp; <b onclick=x>{{ 7 * 7 }}'

Page = tuple[str, str, str]


def page(language: str, kind: str = "language", **changes: object) -> str:
    content = sample.feed(language, kind, **changes)
    return RENDERER.feed_page(sample.publication(language), content, sample.feeds(language))


def tree(source: str) -> etree._Element:
    return html.document_fromstring(source)


def words(element: etree._Element) -> str:
    return " ".join("".join(str(text) for text in element.itertext()).split())


def links(root: etree._Element) -> list[str]:
    return [a.get("href", "") for a in root.iter("a")]


def handlers(root: etree._Element) -> list[str]:
    """List the attributes that are scripts."""
    names = [str(name) for element in root.iter("*") for name in element.attrib]
    return [name for name in names if name.startswith("on")]


PAGES: list[Page] = [
    (language, kind, page(language, kind)) for language in sample.LANGUAGES for kind in KINDS
]
every_page = pytest.mark.parametrize(
    ("language", "kind", "source"), PAGES, ids=[f"{tag}-{kind}" for tag, kind, _ in PAGES]
)


@every_page
def test_it_is_a_page_in_its_language_without_script_or_foreign_files(
    language: str, kind: str, source: str
) -> None:
    root = tree(source)
    assert source.startswith("<!DOCTYPE html>")
    assert (root.get("lang"), root.get("dir")) == (language, direction(language))
    assert not list(root.iter("script", "iframe", "img", "object", "form"))
    assert not handlers(root)
    assert not [e for e in root.iter("link") if e.get("rel") == "stylesheet"]
    assert next(e for e in root.iter("link") if e.get("rel") == "canonical").get("href") == (
        sample.feed(language, kind).url
    )


@every_page
def test_headings_start_with_one_and_skip_no_level(
    language: str, kind: str, source: str
) -> None:
    levels = [int(str(e.tag)[1]) for e in tree(source).iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert sample.feed(language, kind).title == words(next(tree(source).iter("h1")))


@every_page
def test_every_address_is_shown_whole_with_its_format_and_in_a_link(
    language: str, kind: str, source: str
) -> None:
    root = tree(source)
    formats = sample.feed(language, kind).formats
    shown = [e for e in root.iter("div") if e.get("class") == "address"]
    for block, form in zip(shown, formats, strict=True):
        (address,) = block.iter("code")
        assert (words(address), address.get("dir")) == (form.url, "ltr")
        assert form.name in words(next(block.iter("span")))
    in_main = [(a.get("href"), a.get("type")) for a in next(root.iter("main")).iter("a")]
    assert {(form.url, form.media_type) for form in formats} <= set(in_main)


@every_page
def test_ids_are_unique_and_references_lead_somewhere(
    language: str,  # noqa: ARG001 -- pages come with what they are of
    kind: str,  # noqa: ARG001 -- the same
    source: str,
) -> None:
    root = tree(source)
    ids = [str(e.get("id")) for e in root.iter("*") if e.get("id")]
    assert len(set(ids)) == len(ids)
    named = {str(e.get("aria-labelledby")) for e in root.iter("section")} - {"None"}
    assert named <= set(ids)
    assert {t[1:] for t in links(root) if t.startswith("#")} <= set(ids)


@every_page
def test_its_own_feed_is_announced_first_and_nothing_twice(
    language: str, kind: str, source: str
) -> None:
    typed = [e for e in tree(source).iter("link") if e.get("type")]
    found = [e.get("href") for e in typed]
    own = [form.url for form in sample.feed(language, kind).formats]
    assert len(set(found)) == len(found)
    if kind in {"topic", "author"}:
        assert found[:3] == own
    assert set(own) <= set(found)
    assert (typed[-1].get("type"), found[-1]) == (
        "text/x-opml",
        f"{sample.URL}/feeds/index.opml",
    )


def test_it_says_what_to_do_in_three_steps_with_the_first_format_in_the_first() -> None:
    steps = next(e for e in tree(page("en")).iter("ol") if e.get("class") == "steps")
    told = [words(h3) for h3 in steps.iter("h3")]
    assert told == [
        "Copy the address",
        "Paste it into a feed reader",
        "New articles come by themselves",
    ]
    (address,) = steps.iter("code")
    assert words(address) == f"{sample.URL}/feeds/en.rss.xml"


@pytest.mark.parametrize(
    ("kind", "eyebrow", "title"),
    [
        ("language", "用阅读器订阅", "灯笼 · 用阅读器订阅"),
        ("topic", "用阅读器订阅此主题", "河流 · 用阅读器订阅 · 灯笼"),
        ("author", "用阅读器订阅此作者", "样例甲 · 用阅读器订阅 · 灯笼"),
        ("all", "用阅读器订阅所有语言", "灯笼 · 用阅读器订阅"),
    ],
)
def test_it_says_what_the_feed_is_of(kind: str, eyebrow: str, title: str) -> None:
    root = tree(page("zh-Hans", kind))
    assert words(next(e for e in root.iter("p") if e.get("class") == "eyebrow")) == eyebrow
    assert words(next(root.iter("title"))) == title


def test_an_author_is_shown_with_the_affiliation() -> None:
    root = tree(page("ar", "author"))
    (line,) = [e for e in root.iter("p") if e.get("class") == "byline"]
    assert words(line) == "مكتب الميناء، مدينة المثال"


def test_the_newest_articles_are_listed_with_local_dates_in_their_own_language() -> None:
    root = tree(page("ar"))
    listing = next(e for e in root.iter("ul") if e.get("class") == "issues")
    items = sample.feed("ar").articles
    assert links(listing) == [item.url for item in items]
    assert "5 يناير 2026" in words(listing)
    (foreign,) = [a for a in listing.iter("a") if a.get("lang")]
    assert (foreign.get("lang"), foreign.get("dir")) == ("en", "ltr")


def test_other_feeds_are_grouped_and_lead_to_their_pages() -> None:
    root = tree(page("en", "topic"))
    more = next(e for e in root.iter("section") if e.get("class") == "more")
    assert [words(h) for h in more.iter("h3")] == ["Topics", "Authors"]
    assert links(more)[:4] == [
        f"{sample.URL}/en/feeds/",
        f"{sample.URL}/feeds/",
        f"{sample.URL}/feeds/index.opml",
        f"{sample.URL}/en/feeds/topics/1/",
    ]


def test_the_page_of_a_language_does_not_offer_itself_among_the_others() -> None:
    root = tree(page("en"))
    more = next(e for e in root.iter("section") if e.get("class") == "more")
    assert f"{sample.URL}/en/feeds/" not in links(more)


def test_the_page_of_all_languages_leads_to_each_in_its_own_name() -> None:
    group = FeedGroup(
        kind="language",
        links=(
            FeedPageLink(title="English", url=f"{sample.URL}/en/feeds/", language="en"),
            FeedPageLink(title="العربية", url=f"{sample.URL}/ar/feeds/", language="ar"),
        ),
    )
    more = next(
        e
        for e in tree(page("en", "all", others=(group,))).iter("section")
        if e.get("class") == "more"
    )
    chips = next(e for e in more.iter("ul") if e.get("class") == "chips")
    assert [(a.get("lang"), a.get("dir"), words(a)) for a in chips.iter("a")] == [
        (None, None, "English"),
        ("ar", "rtl", "العربية"),
    ]
    assert "Languages" in words(more)
    assert "All languages in one feed" not in words(more)
    assert "All articles of" not in words(more)


def test_it_leads_back_and_to_its_sisters() -> None:
    root = tree(page("ar"))
    assert f"{sample.URL}/ar/" in links(next(root.iter("main")))
    top = next(e for e in root.iter("ul") if e.get("class") == "languages")
    assert links(top) == [
        f"{sample.URL}/{t}/feeds/" for t in ("en", "zh-Hans", "zh-Hant", "de")
    ]


def test_a_feed_without_articles_and_relatives_has_no_empty_lists() -> None:
    bare = page("en", articles=(), others=(FeedGroup(kind="topic", links=()),), sisters=())
    root = tree(bare)
    assert not [e for e in root.iter("ul", "ol") if not list(e)]
    assert "Latest articles" not in bare
    assert "Topics" not in bare


def test_a_feed_in_one_format_offers_no_other() -> None:
    source = page("en", formats=sample.addresses("en")[:1])
    assert len(list(tree(source).iter("code"))) == 1
    assert "another format" not in source


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_words_stay_words(kind: str) -> None:
    article = sample.article("en", title=HOSTILE)
    root = tree(
        page(
            "en",
            kind,
            title=HOSTILE,
            description=HOSTILE,
            affiliation=HOSTILE,
            articles=(sample.item("en", article=article),),
            others=(FeedGroup(kind="author", links=(FeedPageLink(title=HOSTILE, url="/x/"),)),),
        )
    )
    assert not list(root.iter("script"))
    assert not handlers(root)
    assert words(next(root.iter("h1"))) == HOSTILE
    assert words(root).count(HOSTILE) >= 5


def test_english_strings_on_a_page_in_another_language_are_marked_as_english() -> None:
    root = tree(page("de"))
    heading = next(e for e in root.iter("h2") if e.get("id") == "subscribe")
    assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")
    assert next(root.iter("h1")).get("lang") is None
