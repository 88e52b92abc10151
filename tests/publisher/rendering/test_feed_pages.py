"""Feeds for people: the pages that say how to subscribe, the sheet, the texts of items."""

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from lxml import etree, html

from publisher.articles.model import Byline, Picture
from publisher.languages import direction
from publisher.pictures.colours import AA, contrast
from publisher.rendering import ArticleView, Renderer
from publisher.rendering.colours_and_fonts import typeface
from publisher.rendering.model import FeedGroup, FeedNoteLine, FeedPageLink, FeedTexts
from tests.cpu_time import at_most
from tests.publisher.rendering import sample
from tests.publisher.rendering.reading import tree, words

RENDERER = Renderer()
KINDS = ("language", "topic", "author", "all")
HOSTILE = '</script><script>alert("1")</script> \'&amp; <b onclick=x>{{ 7 * 7 }}'

Page = tuple[str, str, str]


def page(language: str, kind: str = "language", **changes: object) -> str:
    content = sample.feed(language, kind, **changes)
    return RENDERER.feed_page(sample.publication(language), content)


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
def test_headings_start_with_one_and_skip_no_level(
    language: str, kind: str, source: str
) -> None:
    levels = [int(str(e.tag)[1]) for e in tree(source).iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert sample.feed(language, kind).title == words(next(tree(source).iter("h1")))
    canonical = next(e for e in tree(source).iter("link") if e.get("rel") == "canonical")
    assert canonical.get("href") == sample.feed(language, kind).url
    assert not list(tree(source).iter("iframe", "img", "object", "form"))


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


def test_a_page_leads_back_and_to_its_sisters_and_not_to_itself() -> None:
    root = tree(page("en"))
    more = next(e for e in root.iter("section") if e.get("class") == "more")
    assert f"{sample.URL}/en/feeds/" not in links(more)
    root = tree(page("ar"))
    assert f"{sample.URL}/ar/" in links(next(root.iter("main")))
    top = next(e for e in root.iter("ul") if e.get("class") == "languages")
    assert links(top) == [
        f"{sample.URL}/{t}/feeds/" for t in ("en", "zh-Hans", "zh-Hant", "de")
    ]


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


def test_a_feed_without_articles_relatives_or_other_formats_offers_none() -> None:
    bare = page("en", articles=(), others=(FeedGroup(kind="topic", links=()),), sisters=())
    root = tree(bare)
    assert not [e for e in root.iter("ul", "ol") if not list(e)]
    assert "Latest articles" not in bare
    assert "Topics" not in bare
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
    publication = replace(sample.publication("de"), language="nb")
    root = tree(RENDERER.feed_page(publication, sample.feed("de")))
    heading = next(e for e in root.iter("h2") if e.get("id") == "subscribe")
    assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")
    assert next(root.iter("h1")).get("lang") is None


SHEETS = {tag: Renderer().feed_style(sample.publication(tag)) for tag in sample.LANGUAGES}
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
# What each colour of text stands on somewhere.
GROUNDS = {
    "ink": ("paper", "tint", "sheet"),
    "soft": ("paper", "tint", "sheet"),
    "accent": ("paper", "tint", "sheet"),
    "label": ("paper", "sheet"),
}


def rules(sheet: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for selectors, declarations in RULE.findall(sheet.partition("*|* ")[2]):
        for selector in selectors.split("*/")[-1].split(","):
            found[selector.strip()] = found.get(selector.strip(), "") + declarations
    return found


def palettes(sheet: str) -> list[dict[str, str]]:
    """Give the colours in light, and those in dark."""
    blocks = [text for text in re.findall(r":root \{([^}]*)\}", sheet) if "--paper" in text]
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in blocks]


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_it_has_the_language_s_direction_and_typeface(language: str) -> None:
    root = rules(SHEETS[language])["atom|feed"]
    assert f"direction: {direction(language)};" in root
    assert typeface(language).body in root
    assert root == rules(SHEETS[language])["|rss"]


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_it_is_whole_and_fetches_nothing(language: str) -> None:
    sheet = SHEETS[language]
    assert sheet.count("{") == sheet.count("}")
    assert "{{" not in sheet
    assert "@import" not in sheet
    assert re.findall(r"url\(([^)]*)\)", sheet) == [
        '"http://www.w3.org/2005/Atom"',
        '"http://www.w3.org/1999/xhtml"',
    ]


def test_namespaces_are_declared_before_anything_else() -> None:
    lines = [line for line in SHEETS["en"].splitlines() if line.strip()]
    assert [line.split()[:2] for line in lines[:2]] == [
        ["@namespace", "atom"],
        ["@namespace", "html"],
    ]
    assert not any(line.startswith("@namespace") for line in lines[2:])


def note(language: str, around: str | None = None) -> str:
    publication = replace(sample.publication(language), language=around or language)
    line = FeedNoteLine(
        title="Tide & <b>", url=f"{sample.URL}/t/", language=language, day=date(2026, 1, 9)
    )
    return RENDERER.feed_note(publication, f"{sample.URL}/how/", [line])


@pytest.mark.parametrize(
    ("language", "words", "day"),
    [
        ("en", "To follow it, copy the address of this page into a feed reader.", "January 9, 2026"),
        ("zh-Hans", "如要订阅，请将本页地址复制到 RSS 阅读器中。", "2026年1月9日"),
        ("zh-Hant", "如要訂閱，請將本頁網址複製到 RSS 閱讀器中。", "2026年1月9日"),
        ("ar", "لمتابعتها، انسخ عنوان هذه الصفحة إلى قارئ الخلاصات.", "9 يناير 2026"),
    ],
)  # fmt: skip
def test_a_browser_shows_what_to_do_and_links_to_entries_in_the_language_of_the_feed(
    language: str, words: str, day: str
) -> None:
    root = html.fragment_fromstring(note(language))
    assert words in root[0].text_content()
    assert [a.get("href") for a in root.iter("a")] == [f"{sample.URL}/how/", f"{sample.URL}/t/"]
    assert root.get("dir") == direction(language)
    (shown,) = root.iter("time")
    assert shown.text == day
    assert "Tide & <b>" in root.text_content()


def test_english_and_foreign_words_keep_their_own_direction() -> None:
    sheet = rules(Renderer().feed_style(replace(sample.publication("ar"), language="yi")))
    assert "direction: rtl;" in sheet["|rss"]
    root = html.fragment_fromstring(note("ar", "yi"))
    assert (root.get("dir"), root[0].get("dir")) == ("rtl", "ltr")
    assert "unicode-bidi: plaintext;" in rules(SHEETS["en"])["html|li"]
    content = texts(sample.item("ar", shown_as="fallback"), "en").content_html
    assert content.startswith('<div lang="ar" dir="rtl">')
    assert '<p lang="en" dir="ltr"><strong>In العربية</strong></p>' in content


def test_it_shows_what_people_read_and_hides_all_else() -> None:
    sheet = SHEETS["en"]
    assert "*|* { display: none; }" in sheet
    shown = {
        selector
        for selector, declarations in rules(sheet).items()
        if re.search(r"display: (block|flex|inline)", declarations)
    }
    heads = {"|channel > |title", "|channel > |description"}
    heads |= {"atom|feed > atom|title", "atom|feed > atom|subtitle"}
    notes = {f"html|{name}" for name in ("div", "p", "ul", "li", "a", "br", "time")}
    assert shown == {"|rss", "|rss > |channel", "atom|feed", *heads, *notes}


@pytest.mark.parametrize("where", ["page", "feed"])
def test_every_colour_of_text_stands_out_in_light_and_in_dark(where: str) -> None:
    page = Renderer().home_page(sample.home("en"))
    found = palettes(page if where == "page" else SHEETS["en"])
    assert len(found) == 2
    for palette in found:
        for ink, grounds in GROUNDS.items():
            for ground in grounds:
                if ink in palette and ground in palette:
                    assert contrast(palette[ink], palette[ground]) >= AA, (ink, ground)


# Seconds for one entry: many times what it takes, so that a busy machine passes, and a fraction
# of what it took when each entry searched the folders for catalogues.
AMPLE = 0.002


def texts(item: ArticleView, language: str | None = None) -> FeedTexts:
    return RENDERER.feed_texts(item, sample.publication(language or item.article.language))


def test_content_is_a_fragment_with_picture_affiliation_body_and_other_languages() -> None:
    entry = texts(sample.item("ar")).content_html
    assert entry.startswith('<div lang="ar" dir="rtl">\n<p><img src="https:')
    assert "<p><small>كاتب مثال، مكتب الميناء، مدينة المثال</small></p>" in entry
    last = html.fragment_fromstring(entry)[-1]
    assert [a.get("href") for a in last.iter("a")] == [
        one.url for one in sample.item("ar").translations
    ]
    assert last.text_content().startswith("للقراءة بلغة أخرى: English")
    # Feed readers show the names themselves.
    alone = sample.article("en", bylines=(Byline(name="Ann Example"),))
    assert "Ann" not in texts(sample.item("en", article=alone)).content_html
    corrected = sample.item("en", corrected_on=date(2026, 1, 9))
    assert "<small>Corrected on January 9, 2026</small>" in texts(corrected).content_html
    assert 'src="https://news.example.org/media/0a1b/ferry.png" width="1200"' in entry
    assert 'src="/' not in entry
    assert "style=" not in entry
    assert "@@" not in entry


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_content_is_one_element_that_names_its_language_and_direction(language: str) -> None:
    root = html.fragment_fromstring(texts(sample.item(language)).content_html)
    assert (root.tag, root.get("lang"), root.get("dir")) == (
        "div",
        language,
        direction(language),
    )


@pytest.mark.parametrize(
    ("language", "shown_as", "label"),
    [
        ("zh-Hant", "converted", "由簡體中文自動轉換"),
        ("zh-Hans", "converted", "由繁体中文自动转换"),
        ("en", "fallback", "語言：English"),
    ],
)
def test_content_says_why_it_is_there(language: str, shown_as: str, label: str) -> None:
    item = sample.item(language, shown_as=shown_as)
    found = texts(item, "zh-Hant" if language == "en" else language)
    assert f"<strong>{label}</strong>" in found.content_html


def test_a_picture_is_not_shown_twice_and_claims_no_size_that_is_unknown() -> None:
    article = sample.article("en", picture=Picture(src="/media/0a1b/chart.png"))
    article = replace(article, bylines=(), translators=("T Example",))
    entry = texts(sample.item("en", article=article)).content_html
    assert entry.count("chart.png") == 1
    assert "<p>Translated by T Example</p>" in entry
    article = sample.article("en", picture=Picture(src="https://cdn.example.com/a.png"))
    entry = texts(sample.item("en", article=article)).content_html
    assert '<img src="https://cdn.example.com/a.png" alt=""></p>' in entry
    assert "<small></small>" not in entry
    signed = replace(
        article, picture=Picture(src="https://cdn.example.com/a.png", credit="Ann")
    )
    entry = texts(sample.item("en", article=signed)).content_html
    assert "<p><small>Ann</small></p>" in entry


def test_title_and_summary_are_one_line_of_plain_text_with_its_typography() -> None:
    title, summary = 'Tom & "Jerry" <b>1 < 2</b>', "R&D &amp; more's"
    article = sample.article("en", title=title, summary=summary)
    found = texts(sample.item("en", article=article))
    assert (found.title, found.summary) == (title, summary)
    article = sample.article("ar", title=" سطر\n آخر\u2028ثالث ", summary="\tأ\r\n\r\nب\n")
    found = texts(sample.item("ar", article=article))
    assert (found.title, found.summary) == ("سطر آخر ثالث", "أ ب")
    title, summary = "Qui est là\u00a0? 第一章\u3000开始", "10\u202f000 pas\u00a0!"
    found = texts(sample.item("en", article=sample.article("en", title=title, summary=summary)))
    assert (found.title, found.summary) == (title, summary)
    assert texts(sample.item("en", article=sample.article("en", summary=""))).summary == ""


def test_thousands_of_entries_are_made_in_no_time() -> None:
    item, publication = sample.item("zh-Hant"), sample.publication("zh-Hant")
    RENDERER.feed_texts(item, publication)
    with at_most(100 * AMPLE):
        for _ in range(100):
            RENDERER.feed_texts(item, publication)
