"""What is read of an article's page, whatever made it; and which pages are no articles."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from publisher.polling.foreign_pictures import with_pictures
from publisher.polling.model import AnswerError, WebAuthor, WebEntry
from publisher.polling.page_reader import ReadPage, read_web_page
from publisher.polling.store import entry_to_json

URL = "https://example.org/news/crane"
WORDS = (
    "The harbour has a new crane, which lifts forty tonnes and turns in every wind. "
    "It came by ship in May, and nobody had seen the like of it on this side of the bay. "
)
PARAGRAPHS = "".join(f"<p>{number}. {WORDS}</p>" for number in range(1, 6))
NAV = "<nav><ul><li><a href='/'>Home</a></li><li><a href='/about'>About us</a></li></ul></nav>"
ASIDE = (
    "<aside><h2>Read next</h2><ul><li><a href='/x'>A story of another day</a></li></ul></aside>"
)
FOOTER = "<footer><p>All rights reserved by the harbour. Sign up for our letter.</p></footer>"
DATE = "<meta property='article:published_time' content='2026-05-02T08:00:00+02:00'>"


def page(head: str = DATE, text: str = PARAGRAPHS, beside: str = "", root: str = "en") -> bytes:
    return (
        f"<!doctype html><html lang={root}><head><title>A crane | Harbour</title>{head}</head><body>{NAV}"
        f"<main><article><h1>A crane</h1>{text}</article>{beside}</main>{ASIDE}{FOOTER}</body></html>"
    ).encode()


def read(head: str = DATE, text: str = PARAGRAPHS, **options: Any) -> ReadPage:
    return read_web_page(page(head, text), URL, **options)


def linked(*things: Any) -> str:
    scripts = (one if isinstance(one, str) else json.dumps(one) for one in things)
    return "".join(f"<script type='application/ld+json'>{one}</script>" for one in scripts)


ARTICLE: dict[str, Any] = {"@type": "NewsArticle", "headline": "A crane"}


def test_a_text_keeps_pictures_tables_and_code_and_loses_what_is_around_it() -> None:
    shown = (
        "<figure><img src='crane.jpg' alt='The crane'><figcaption>At noon</figcaption></figure>"
        "<h2 id='how'>How it works<a class='anchor' href='#how'>#</a></h2>"
        "<table><tr><td>Tonnes</td><td>40</td></tr></table><pre><code>lift(40)</code></pre>"
    )
    html = read(text=PARAGRAPHS + shown + PARAGRAPHS.replace("crane", "lift")).entry.html
    assert '<img src="https://example.org/news/crane.jpg" alt="The crane">' in html
    assert "<figcaption>At noon</figcaption>" in html
    assert ">How it works</h2>" in html
    assert "<td>40</td>" in html
    assert "<code>lift(40)</code>" in html
    assert html.count("<p>") == 10
    assert not [one for one in ("About us", "another day", "rights", "<h1") if one in html]


def test_a_selector_says_where_a_text_is() -> None:
    body = "<div class=text><p>Few words.</p></div><p>Others.</p>"
    assert read(text=body, select="article .text").entry.html == "<p>Few words.</p>"
    with pytest.raises(AnswerError, match="no CSS selector"):
        read(select="..")


@pytest.mark.parametrize(
    "head",
    [
        linked({**ARTICLE, "author": [{"@type": "Person", "name": "Ann Reed"}, "Bo Li"]}),
        linked([{"@graph": [{**ARTICLE, "author": [{"@id": "#a"}, {"@id": "#b"}]}]},
                {"@id": "#a", "name": "Ann Reed"}, {"@id": "#b", "name": "Bo&nbsp;Li"}]),
        linked("{broken", {"@type": ["Thing", "BlogPosting"], "author": ["Ann Reed", "Bo Li"]}),
        linked("[" * 50_000) + "<meta name=author content='Ann Reed'><meta name=author content='Bo Li'>",
        linked(json.dumps({**ARTICLE, "author": ["Ann Reed", "Bo Li"]}) + ";"),
        "<meta name=DC.creator content='By Ann Reed'><meta name=DC.creator content='Bo Li'>",
    ],
)  # fmt: skip
def test_authors_are_found_where_a_page_states_them(head: str) -> None:
    assert [one.name for one in read(head).entry.authors] == ["Ann Reed", "Bo Li"]


def test_each_author_of_a_card_is_read() -> None:
    cards = "<address class='vcard author'>By <a class='url fn'>Ann Reed</a> <a class=fn>Bo Li</a></address>"
    assert [one.name for one in read("", cards + PARAGRAPHS).entry.authors] == [
        "Ann Reed",
        "Bo Li",
    ]


def test_json_ld_says_all_that_an_article_has() -> None:
    person = {"@type": "Person", "name": "Ann Reed", "affiliation": {"name": "Bay Lab"}}
    stated = {
        **ARTICLE,
        "inLanguage": "zh-Hans",
        "datePublished": "2026-05-02",
        "dateModified": "2026-05-03T10:00:00Z",
        "description": "In <short> &amp; plain",
        "keywords": "port, cranes",
        "image": [{"@type": "ImageObject", "url": "/crane.jpg"}],
        "author": person,
        "translator": {"name": "Li Na"},
        "translationOfWork": {"@id": "https://example.org/en/crane", "inLanguage": "en"},
    }
    entry = read(linked(stated)).entry
    assert entry.authors == (WebAuthor(name="Ann Reed", affiliation="Bay Lab"),)
    assert entry.translators == ("Li Na",)
    assert entry.language == "zh-Hans"
    # The same day in nearly all zones.
    assert entry.published == datetime(2026, 5, 2, 12, tzinfo=UTC)
    assert entry.updated == datetime(2026, 5, 3, 10, tzinfo=UTC)
    assert entry.topics == ("port", "cranes")
    assert entry.picture == "https://example.org/crane.jpg"
    assert entry.translations == (("en", "https://example.org/en/crane"),)
    assert entry.summary == "<p>In &lt;short&gt; &amp; plain</p>"
    assert TypeAdapter(WebEntry).validate_python(entry_to_json(entry)) == entry


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (DATE, ""),
        (linked({**ARTICLE, "datePublished": "2026-05-02T06:00:00Z"}), ""),
        ("<meta name=date content='2026-05-02 06:00:00'>", ""),
        ("<meta name=pubdate content='Sat, 02 May 2026 06:00:00 +0000'>", ""),
        ("", "<time datetime='2026-05-02T06:00:00Z'>2 May</time><time datetime=2026-06-01>later</time>"),
        ("", "<span itemprop=datePublished content='2026-05-02T06:00Z'>2 May</span>"),
    ],
)  # fmt: skip
def test_a_date_is_found_where_a_page_states_it(head: str, text: str) -> None:
    entry = read(head, text + PARAGRAPHS).entry
    assert entry.published == datetime(2026, 5, 2, 6, tzinfo=UTC)


def test_a_date_beside_an_article_is_not_its_own() -> None:
    beside = "<aside><time datetime=2026-01-01>1 January</time></aside><p>© 2026-01-02</p>"
    assert read("", PARAGRAPHS + beside).entry.published is None


LIST = (
    "<ul>"
    + "<li>2 March: <a href=/news/crane>What the harbour of the north built in spring</a></li>"
    * 9
    + "</ul>"
)


@pytest.mark.parametrize(
    ("head", "text", "problem"),
    [
        (DATE, PARAGRAPHS, ""),
        ("<meta property=og:type content=article>", PARAGRAPHS, ""),
        (linked(ARTICLE), "<p>Short.</p>", ""),
        (linked(ARTICLE), "<p>On <time datetime=2026-05-02>2 May</time>, 0 minutes</p>", "have no text"),
        (DATE, "<p>Short.</p>", "have little text"),
        (DATE, "<p>港口有一座新的起重机，可以吊起四十吨重的货物。</p>" * 4, ""),
        ("", PARAGRAPHS, "have no date"),
        (DATE + "<meta http-equiv=refresh content='0; url=/en/'>", PARAGRAPHS, "lead to other pages"),
        (DATE + "<meta name=robots content='noindex, follow'>", PARAGRAPHS, "ask not to be indexed (noindex)"),
        (linked({**ARTICLE, "isAccessibleForFree": False}), PARAGRAPHS, "are not free to read"),
        (linked({**ARTICLE, "isAccessibleForFree": "False"}), PARAGRAPHS, "are not free to read"),
        (linked({"@type": "CollectionPage"}), PARAGRAPHS, "list other pages"),
        (linked(ARTICLE, ARTICLE), PARAGRAPHS, "list other pages"),
        (DATE, f"{PARAGRAPHS}</article><article>{PARAGRAPHS}", "list other pages"),
        (DATE, LIST, "list other pages"),
        ("<meta property=og:type content=article>", LIST, ""),
    ],
)  # fmt: skip
def test_a_page_that_is_no_article_says_why(head: str, text: str, problem: str) -> None:
    assert read(head, text).problem == problem
    if problem == "have no date":
        assert read(head, text, is_chosen=True).problem == ""


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("", "A crane"),
        ("<meta property=og:title content='A crane &amp;amp; a ship'>", "A crane & a ship"),
        ("<meta property=og:title content='Harbour – A crane'><meta property=og:site_name content=Harbour>", "A crane"),
        (linked({**ARTICLE, "headline": "Lifts forty tonnes", "name": "A crane"}), "A crane"),
    ],
)  # fmt: skip
def test_a_title_is_without_the_name_of_the_site(head: str, title: str) -> None:
    assert read(head).entry.title == title


def test_translations_and_the_address_are_in_the_head() -> None:
    links = (
        "<link rel=canonical href='/news/a-crane'><link rel=alternate hreflang=fr href='/fr/grue'>"
        "<link rel=alternate hreflang=x-default href='/'><link rel=alternate hreflang=en type='application/rss+xml' href='/feed'>"
    )
    entry = read(links).entry
    assert entry.url == "https://example.org/news/a-crane"
    assert entry.translations == (("fr", "https://example.org/fr/grue"),)
    elsewhere = "<link rel=canonical href='https://other.example/crane'>"
    assert read(elsewhere).entry.url == URL
    # A file says itself where it stands.
    there = "<link rel=alternate hreflang=fr href='../fr/grue'>"
    entry = read_web_page(page(elsewhere + there), "").entry
    assert entry.url == "https://other.example/crane"
    assert entry.translations == (("fr", "https://other.example/fr/grue"),)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (page(text=f"<p>Grüße</p>{PARAGRAPHS}"), "text/html; charset=iso-8859-1"),
        (b"\xef\xbb\xbf" + page(text=f"<p>Gr\u00fc\u00dfe</p>{PARAGRAPHS}"), ""),
        (page(text=f"<p>Grüße</p>{PARAGRAPHS}").decode().encode("latin-1"), "text/html; charset=iso-8859-1"),
        (page("<meta charset=iso-8859-1>", f"<p>Grüße</p>{PARAGRAPHS}").decode().encode("latin-1"), ""),
        (page(text=f"<p>Grüße</p>{PARAGRAPHS}").decode().encode("latin-1"), "text/html; charset=nothing"),
    ],
)  # fmt: skip
def test_a_page_is_decoded_as_utf_8_if_it_is_that_else_as_it_says(
    body: bytes, content_type: str
) -> None:
    assert "Grüße" in read_web_page(body, URL, content_type).entry.html


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<p " + b"a=b " * 20_000 + b">",
        b"<p " + b'a="b"' * 20_000 + b">",
        b"x" * 10_000_001,
    ],
)
def test_what_would_keep_a_parser_busy_or_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(AnswerError):
        read_web_page(body, URL)


def test_a_script_that_looks_like_an_element_is_no_bomb() -> None:
    script = "<script>if (i<b " + "a b " * 5_000 + ")</script>"
    assert read(DATE + script).problem == ""


def test_the_article_with_the_heading_is_read_also_if_it_is_short() -> None:
    """A card of another article may have more words, and a sentence is no text to a program that chooses words."""
    card = f"<section><article><h3>Another day</h3>{PARAGRAPHS}</article></section>"
    short = "<p>The crane stands still today.</p><ul><li>Wind from the west</li></ul>"
    html = read_web_page(page(text=short, beside=card), URL).entry.html
    assert "stands still" in html
    assert "Wind from the west" in html
    assert "forty tonnes" not in html


@pytest.mark.parametrize("lazy", ["src='data:image/gif;base64,x'", ""])
def test_a_picture_that_a_script_would_load_is_the_one_of_those_without_scripts(
    lazy: str,
) -> None:
    body = f"<p><img {lazy} alt=A><noscript><img src='/a.png' alt='A crane'></noscript></p>"
    text = with_pictures(read(text=PARAGRAPHS + body + PARAGRAPHS).entry.html, URL, str)
    (image,) = re.findall("<img[^>]*>", text)
    assert 'src="https://example.org/a.png"' in image
    assert 'alt="A crane"' in image
