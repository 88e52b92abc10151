"""Pages, rendered for real, and what they say to machines."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import lxml.html
import pytest
from lxml import etree

from publisher.articles.model import Article, Byline, KnownByline, Origin, Picture, Provenance
from publisher.config import Publication
from publisher.languages import direction
from publisher.rendering import LanguageLink, Renderer, views
from publisher.testing import SAMPLE_PUBLICATION, sample_article
from tests.publisher.rendering import sample
from tests.publisher.rendering.reading import tree, words

RENDERER = Renderer()
every_language = pytest.mark.parametrize("language", sample.LANGUAGES)


def pages(language: str) -> dict[str, str]:
    content = sample.issue(language)
    links = [LanguageLink(language=tag, url=f"{sample.URL}/{tag}/") for tag in sample.LANGUAGES]
    return {
        "issue": RENDERER.issue_page(content),
        "article": RENDERER.article_page(content.publication, content.items[0]),
        "home": RENDERER.home_page(sample.home(language)),
        "archive": RENDERER.archive_page(content.publication, sample.archive(language)),
        **{
            f"feed of {kind}": RENDERER.feed_page(
                content.publication, sample.feed(language, kind)
            )
            for kind in ("language", "topic", "author", "all")
        },
        "chooser": RENDERER.chooser_page(content.publication, links),
        "subscribe": RENDERER.letter_page(content.publication, "subscribe", "d@example.org"),
        "unsubscribe": RENDERER.letter_page(
            content.publication, "unsubscribe", "d@example.org"
        ),
        "preferences": RENDERER.letter_page(
            content.publication, "preferences", "d@example.org"
        ),
    }


DESCRIBED = {"issue", "article", "home", "archive", "chooser"}
PAGES = {language: pages(language) for language in sample.LANGUAGES}


def properties(page: str) -> dict[str, list[str]]:
    """Give what the head says by `meta`, by name."""
    found = defaultdict(list)
    for one in tree(page).iter("meta"):
        if name := one.get("property") or one.get("name"):
            found[name].append(one.get("content", ""))
    return found


@every_language
def test_a_page_that_is_shared_says_what_it_is(language: str) -> None:
    for name, page in PAGES[language].items():
        said = properties(page)
        assert all(value.strip() for values in said.values() for value in values), name
        assert said["og:description"] == said["description"], name
        assert said["og:type"] == ["article" if name == "article" else "website"], name
        canonical = [
            one.get("href") for one in tree(page).iter("link") if one.get("rel") == "canonical"
        ]
        assert said["og:url"] == canonical, name
        assert len(said["og:locale"]) == 1
        assert all(re.fullmatch("[a-z]{2}_[A-Z]{2}", one) for one in said["og:locale"])
        assert len(said["theme-color"]) == 2
        has_picture = name in ("issue", "article", "home")
        card = "summary_large_image" if has_picture else "summary"
        assert said["twitter:card"] == [card], name
        for part in ("", ":width", ":height", ":alt"):
            assert len(said[f"og:image{part}"]) == has_picture, (name, part)


@every_language
def test_what_pages_say_in_json_has_what_search_engines_require(language: str) -> None:
    found = {}
    for name in DESCRIBED:
        (script,) = tree(PAGES[language][name]).iter("script")
        found[name] = json.loads(script.text or "")
        assert found[name]["@context"] == "https://schema.org"
    for name in ("home", "chooser"):
        site, publisher = found[name]["@graph"]
        assert (site["@type"], site["url"]) == ("WebSite", f"{sample.URL}/")
        assert publisher["@type"] == "NewsMediaOrganization"
        assert site["publisher"]["@id"] == publisher["@id"]
        assert site["name"]
        assert publisher["logo"]["url"].startswith(sample.URL)
    issue = found["issue"]
    assert (issue["@type"], issue["inLanguage"]) == ("CollectionPage", language)
    assert issue["url"].startswith(f"{sample.URL}/{language}/weekly/")
    assert issue["isPartOf"]["@type"] == "PublicationIssue"
    assert issue["isPartOf"]["datePublished"] == issue["datePublished"] == "2026-01-09"
    assert issue["isPartOf"]["isPartOf"]["@type"] == "Periodical"
    lines = issue["mainEntity"]["itemListElement"]
    assert [line["position"] for line in lines] == [*range(1, len(lines) + 1)]
    assert all(line["url"].startswith("http") and line["name"] for line in lines)
    assert issue["mainEntity"]["numberOfItems"] >= len(lines) > 0
    assert found["archive"]["isPartOf"] == {"@id": found["home"]["@graph"][0]["@id"]}
    article = found["article"]
    for key in ("headline", "image", "datePublished", "dateModified", "author", "publisher"):
        assert article[key], key
    assert article["mainEntityOfPage"] == article["url"]


@every_language
def test_every_page_names_its_language_and_carries_its_own_style(language: str) -> None:
    for name, page in PAGES[language].items():
        root = tree(page)
        assert page.startswith("<!DOCTYPE html>")
        assert (root.get("lang"), root.get("dir")) == (language, direction(language))
        assert not [link for link in root.iter("link") if link.get("rel") == "stylesheet"]
        # These are described to machines, by data that nothing runs.
        data = [("type", "application/ld+json")]
        scripts = [one.items() for one in root.iter("script")]
        assert scripts == ([data] if name in DESCRIBED else [])
        assert len(list(root.iter("h1"))) == 1
        assert "{{" not in page
        names = [str(name) for element in root.iter("*") for name in element.attrib]
        assert not [name for name in names if name.startswith("on")]


@every_language
def test_ids_are_unique_and_links_within_a_page_lead_somewhere(language: str) -> None:
    for page in PAGES[language].values():
        root = tree(page)
        ids = [str(element.get("id")) for element in root.iter("*") if element.get("id")]
        assert len(set(ids)) == len(ids)
        named = {str(e.get("aria-labelledby")) for e in root.iter("section")} - {"None"}
        assert named <= set(ids)
        targets = [a.get("href", "") for a in root.iter("a")]
        assert {t[1:] for t in targets if t.startswith("#")} <= set(ids)
        assert all(t.startswith(("#", "https://", "mailto:")) for t in targets)


def issue_page(**changes: Any) -> etree._Element:
    return tree(RENDERER.issue_page(sample.issue("en", number=12, **changes)))


def test_an_issue_page_has_the_stories_of_the_mail_in_its_order_and_lengths() -> None:
    content = sample.issue("en", number=12, archive_url=f"{sample.URL}/en/weekly/")
    page = RENDERER.issue_page(content)
    root = tree(page)
    stories = [(e.get("class"), e.get("id")) for e in root.iter("article")]
    assert stories == [
        ("lead", f"a-{sample.SLUGS[0]}"),
        *(("feature", f"a-{slug}") for slug in sample.SLUGS[1:4]),
    ]
    mail = [told.url for told in RENDERER.digest(content).stories]
    titles = [next(e.iter("h2", "h3")) for e in root.iter("article")]
    assert [next(title.iter("a")).get("href") for title in titles] == mail
    assert page.count("<blockquote>") == 0
    assert "Friday, January 9, 2026 · No. 12" in words(root)
    assert "You might also like" not in page
    assert "And 3 more articles" in page
    assert f'<a href="{sample.URL}/en/weekly/">Past issues</a>' in page


def test_an_issue_page_has_whole_texts_where_the_mail_has_them() -> None:
    root = issue_page(content="full")
    assert len(list(root.iter("blockquote"))) == 4


def test_an_issue_page_tells_how_many_articles_were_withdrawn() -> None:
    assert words(issue_page(withdrawn=2)).count("This article was withdrawn.") == 2
    assert "This article was withdrawn." in words(issue_page(withdrawn=1, items=()))


def test_foreign_articles_and_english_letters_keep_their_language() -> None:
    article = next(
        e for e in tree(PAGES["ar"]["issue"]).iter("article") if e.get("lang") == "en"
    )
    assert article.get("dir") == "ltr"
    assert "متابعة" not in words(article)
    assert "اللغة: English" in words(article)
    without_words = replace(sample.publication("de"), language="nb")
    page = RENDERER.letter_page(without_words, "unsubscribe", "d@example.org")
    heading = next(tree(page).iter("h1"))
    assert (heading.get("lang"), words(heading)) == ("en", "Unsubscribe")
    assert "more article" not in RENDERER.issue_page(sample.issue("en", more=0))


def test_the_head_lists_feeds_own_address_and_other_languages() -> None:
    links = [
        (link.get("rel"), link.get("hreflang") or link.get("type"), link.get("href"))
        for link in tree(PAGES["en"]["issue"]).iter("link")
    ]
    own = f"{sample.URL}/en/weekly/2026-01-09/"
    assert links[:3] == [
        ("canonical", None, own),
        ("alternate", "en", own),
        ("alternate", "zh-Hans", f"{sample.URL}/zh-Hans/weekly/2026-01-09/"),
    ]
    assert ("alternate", "application/atom+xml", f"{sample.URL}/feeds/en.atom.xml") in links


@every_language
def test_the_head_announces_own_feeds_first_and_how_to_subscribe_last(language: str) -> None:
    for name in ("issue", "article", "home"):
        typed = [link for link in tree(PAGES[language][name]).iter("link") if link.get("type")]
        found = [link.get("href") for link in typed]
        own = [f"{sample.URL}/feeds/{language}.{s}" for s in ("rss.xml", "atom.xml", "json")]
        everything = [f"{sample.URL}/feeds/all.{s}" for s in ("rss.xml", "atom.xml", "json")]
        # That of all languages stands on the front page alone.
        shared = everything if name == "home" else []
        assert found == [*own, *shared, f"{sample.URL}/{language}/feeds/"]
        assert {link.get("rel") for link in typed} == {"alternate"}
        assert not [link for link in typed if link.get("hreflang")]
        titles = [link.get("title") for link in typed]
        assert len(set(titles)) == len(titles)


def test_feeds_are_announced_where_there_are_any() -> None:
    page = PAGES["ar"]["home"]
    assert 'title="الفانوس (العربية, RSS)"' in page
    assert "灯笼 (" not in page  # those of other languages are in their own pages
    assert 'title="الفانوس (كل اللغات, Atom)"' in page
    assert '<link rel="alternate" type="text/html" title="كيفية الاشتراك"' in page
    without = replace(sample.publication("en"), feeds=())
    root = tree(RENDERER.chooser_page(without, ()))
    assert not [link for link in root.iter("link") if link.get("type")]
    assert not list(next(root.iter("footer")).iter("a"))


@every_language
def test_the_foot_leads_to_own_feeds_only(language: str) -> None:
    for name in ("issue", "article", "home"):
        foot = next(tree(PAGES[language][name]).iter("footer"))
        assert [a.get("href") for a in foot.iter("a")] == [
            f"{sample.URL}/{language}/feeds/",
            f"{sample.URL}/feeds/{language}.rss.xml",
            f"{sample.URL}/feeds/{language}.atom.xml",
            f"{sample.URL}/feeds/{language}.json",
        ]


def test_own_pictures_are_absolute_and_code_is_left_alone() -> None:
    page = PAGES["en"]["article"]
    assert 'src="https://news.example.org/media/0a1b/ferry.png"' in page
    assert 'src="https://news.example.org/media/0a1b/chart.png"' in page
    assert 'tide = "/media/not-a-link"' in page


def test_an_article_page_has_what_cards_need() -> None:
    page = PAGES["zh-Hant"]["article"]
    assert '<meta property="og:title" content="學會等待潮水的渡輪 · 燈籠">' in page
    assert '<meta name="description" content="四十年來，渡輪總是準點開船' in page
    assert (
        '<meta property="article:published_time" content="2026-01-05T12:00:00+00:00">' in page
    )
    assert "og:image" in page
    without = replace(sample.publication("en"), feeds=())
    plain = RENDERER.article_page(without, sample.item("en", 1))
    assert "og:image" not in plain
    assert "Follow by feed" not in plain


def test_a_home_page_lists_articles_and_issues_or_says_that_there_are_none() -> None:
    root = tree(PAGES["ar"]["home"])
    titles = [words(h2) for article in root.iter("article") for h2 in article.iter("h2")]
    assert titles == [item.article.title for item in sample.issue("ar").items]
    assert "9 يناير 2026" in words(root)
    assert next(root.iter("time")).get("datetime") == "2026-01-05"
    empty = replace(sample.home("en"), articles=(), issues=(), title="The week")
    page = RENDERER.home_page(empty)
    assert "Nothing has been published here yet." in page
    # The front page has the name in its nameplate alone.
    assert 'class="brand"' in page
    assert 'class="brand"' not in PAGES["ar"]["home"]
    assert "<title>The week · The Lantern</title>" in page


def test_the_chooser_offers_each_language_in_its_own_name() -> None:
    root = tree(PAGES["en"]["chooser"])
    main = next(root.iter("main"))
    assert [(a.get("lang"), words(a)) for a in main.iter("a")] == [
        ("en", "English"),
        ("zh-Hans", "简体中文"),
        ("zh-Hant", "繁體中文"),
        ("ar", "العربية"),
        ("de", "Deutsch"),
    ]
    tags = [link.get("hreflang") for link in root.iter("link") if link.get("hreflang")]
    assert tags[-1] == "x-default"


@every_language
@pytest.mark.parametrize("kind", ["unsubscribe", "preferences"])
def test_a_letter_page_gives_the_address_and_stays_out_of_search(
    language: str, kind: str
) -> None:
    page = PAGES[language][kind]
    assert '<meta name="robots" content="noindex">' in page
    assert f'href="mailto:d@example.org?subject={kind}"' in page
    assert '<span dir="ltr">d@example.org</span>' in page
    assert "canonical" not in page


PUBLICATION = Publication(**SAMPLE_PUBLICATION)
URL = "https://news.example.org"


def described(article: Article, *variants: Article) -> dict[str, Any]:
    """Render an article's page, and read its description as a browser would."""
    house = views.publication_view(PUBLICATION, article.language)
    item = views.article_view(PUBLICATION, article, article.language, variants)
    page = Renderer().article_page(house, item)
    (script,) = lxml.html.document_fromstring(page).iter("script")
    assert script.items() == [("type", "application/ld+json")]
    text = script.text or ""
    assert not set("<>&\u2028") & set(text)
    # Letters are as in the rest of the page: escaped they would take twice the bytes.
    assert not re.findall(r"\\u(?!00|2028)", text)
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_description_has_what_is_known_of_an_article() -> None:
    known = KnownByline(
        name="Ada Lark", key="ada-lark", website="https://ada.example.com/", languages=("en",)
    )
    other = Byline(name="Ben Ruiz", affiliation="Harbour Institute")
    member = Byline(name="Cy Moor", affiliation="Member of the crew")
    article = sample_article(
        bylines=(known, other, member),
        picture=Picture(src="/media/1/a.png", alt="A pier", width=640, height=480),
    )
    translation = sample_article(id=2, language="ar", origin=Origin.TRANSLATION)
    found = described(article, article, translation)
    assert (found["@context"], found["@type"]) == ("https://schema.org", "Article")
    assert found["headline"] == article.title
    assert found["datePublished"] == article.published_at.isoformat()
    assert found["image"]["url"] == f"{URL}/media/1/a.png"
    assert found["publisher"]["name"] == PUBLICATION.title("en")
    assert found["author"] == [
        {
            "@type": "Person",
            "@id": f"{URL}/#ada-lark",
            "name": "Ada Lark",
            "url": f"{URL}/en/feeds/authors/ada-lark/",
            "sameAs": "https://ada.example.com/",
            "knowsLanguage": ["en"],
        },
        {
            "@type": "Person",
            "name": "Ben Ruiz",
            "affiliation": {"@type": "Organization", "name": "Harbour Institute"},
        },
        {"@type": "Person", "name": "Cy Moor", "jobTitle": "Member of the crew"},
    ]
    work = {"@type": "Article", "url": f"{URL}/ar/stories/{article.slug}/", "inLanguage": "ar"}
    assert found["workTranslation"] == [work]
    assert not {"translationOfWork", "translator", "digitalSourceType"} & found.keys()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Keeper of Clocks, Museum of Time", "description"),
        ("钟表馆馆长", "description"),
        ("Crafts Writer", "jobTitle"),
        ("Museum of Time", "affiliation"),
    ],
)
def test_what_is_behind_a_name_is_an_organisation_only_if_it_can_be_told(
    words: str, said: str
) -> None:
    article = sample_article(bylines=(Byline(name="Ada Lark", affiliation=words),))
    (author,) = described(article)["author"]
    assert author.keys() == {"@type", "name", said}


def test_pages_and_mails_link_to_the_privacy_notice() -> None:
    notice = "https://example.org/privacy"
    publication = replace(sample.publication("en"), privacy_url=notice)
    page = RENDERER.article_page(publication, sample.item("en"))
    mail = RENDERER.system_mail(
        replace(sample.system_mail("confirm", "en"), publication=publication)
    )
    digest = RENDERER.digest(replace(sample.issue("en"), publication=publication))
    for made in (page, mail.html, digest.html):
        (link,) = [one for one in tree(made).iter("a") if one.get("href") == notice]
        assert words(link) == "Privacy notice"
    assert notice in mail.text
    assert notice in digest.text
    assert "Privacy notice" not in PAGES["en"]["article"]


def test_a_machine_translation_names_its_original_its_tool_and_its_editor() -> None:
    original = sample_article()
    article = sample_article(
        id=2,
        language="ar",
        origin=Origin.TRANSLATION,
        provenance=Provenance.MACHINE,
        translated_with="Babel & Co",
        editor="Ada Lark",
    )
    found = described(article, original, article)
    assert found["translationOfWork"]["url"] == f"{URL}/en/stories/{article.slug}/"
    assert found["digitalSourceType"].endswith("/TrainedAlgorithmicMediaDigitalSource")
    assert (found["creditText"], found["editor"]["name"]) == ("Babel & Co", "Ada Lark")
    assert "workTranslation" not in found


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!-- <script>", "a\u2028b & 'c' \"d\""]
)
def test_no_text_ends_the_description_or_runs(text: str) -> None:
    article = sample_article(
        title=text, summary=text, topics=(text,), bylines=(Byline(name=text),)
    )
    found = described(article)
    assert (found["headline"], found["description"]) == (text, text)
    assert (found["keywords"], found["author"][0]["name"]) == ([text], text)
