from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from publisher.articles.model import Byline
from publisher.errors import ArticleError
from tests.publisher.ingest.helpers import read_text

PAGE = """<?xml version="1.0" encoding="gbk"?>
<!DOCTYPE html><html lang="pt-BR"><head><meta charset="gbk">
<title>Página | Site</title>
<meta property="article:published_time" content="2026-01-09T08:00:00Z">
<meta property="article:modified_time" content="2026-01-10">
<meta property="article:section" content="Mundo">
<meta property="article:tag" content="um"><meta property="article:tag" content="dois">
<meta name="Author" content="Ada Example"><meta name="author" content="Bo Example">
<meta name="description" content=" Uma  frase. "><meta name="empty">
<link rel="canonical" href="https://example.org/pt/pagina">
<link rel="alternate" hreflang="en" href="/en"><link rel="alternate" hreflang="x-default" href="/">
<link rel="alternate" hreflang="pt-BR" href="/pt"><link rel="alternate" type="application/rss+xml">
</head><body><nav>Menu</nav><article><header><h1>Página <i>boa</i></h1></header>
<p>Texto é <a href="/x">aqui</a>.</p><img src="/i.png" alt="I"></article><footer>Rodapé</footer></body>
</html>"""


def test_a_page_states_its_metadata_in_its_head() -> None:
    draft = read_text("a.html", PAGE)

    assert draft.title == "Página boa"
    assert draft.language == "pt-BR"
    assert draft.published == datetime(2026, 1, 9, 8, tzinfo=UTC)
    assert draft.updated == date(2026, 1, 10)
    assert draft.section == "Mundo"
    assert draft.topics == ("um", "dois")
    assert draft.bylines == (Byline(name="Ada Example"), Byline(name="Bo Example"))
    assert draft.summary == "Uma frase."
    assert draft.url == "https://example.org/pt/pagina"
    assert draft.offered == ("en", "pt-BR")
    assert draft.text == "Texto é aqui."
    assert '<a href="https://example.org/x">aqui</a>' in draft.html
    assert '<img src="https://example.org/i.png" alt="I">' in draft.html


def test_front_matter_counts_before_the_head() -> None:
    draft = read_text("a.html", "---\ntitle: Mine\nlang: pt\n---\n" + PAGE)

    assert (draft.title, draft.language, draft.section) == ("Mine", "pt", "Mundo")
    assert "<h2>Página <i>boa</i></h2>" in draft.html


def test_a_fragment_with_front_matter_is_all_body() -> None:
    draft = read_text("a.htm", "---\ntitle: T\n---\nloose <b>text</b><p>and more")

    assert draft.text == "loose text\n\nand more"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<main>a<article>b</article><article>c</article></main>d", "abc"),
        ("<article>a<article>b</article></article><main>c</main>", "ab"),
        ("<article>a</article><article>b</article>", "a"),
        ("<main>a</main>b", "a"),
        ("<header>x</header>a<footer>y</footer><aside>z</aside>b", "ab"),
        ("<header>x<h1>H</h1></header>a", "xa"),
        ("a<nav>x</nav>b", "ab"),
        ("a<!-- x -->b", "ab"),
        ("<article><footer>note</footer></article>", "note"),
    ],
)
def test_the_article_is_found_on_its_page(body: str, text: str) -> None:
    draft = read_text("a.html", f"<title>T</title><body>{body}</body>")

    assert draft.text.replace("\n", "") == text
    assert draft.title in {"T", "H"}


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/relative", None),
        ("mailto:a@example.org", None),
        ("//example.org/x", "https://example.org/x"),
        ("", None),
    ],
)
def test_only_an_absolute_address_is_canonical(link: str, url: str | None) -> None:
    page = f'<title>T</title><link rel="canonical" href="{link}"><p>x'

    assert read_text("a.html", page).url == url


def test_keywords_are_topics() -> None:
    draft = read_text("a.html", '<title>T</title><meta name="keywords" content="a, b"><p>x')

    assert draft.topics == ("a", "b")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("", "^no text"),
        ("<!-- x -->", "^no t"),
        ("<title>T</title>", "^no text"),
        ("<p>x", "^no title"),
        (
            '<title>T</title><meta name="date" content="soon"><p>x',
            "^date: 'soon' is not a date",
        ),
        ("<title>T</title>" + "<div>" * 300 + "x", "nested"),
        ("<title>T</title>" + "<div>" * 5000 + "x", "nested"),
        ("<title>T</title><p>" + "x" * 6_000_000, "larger than 5 MB"),
    ],
)
def test_pages_that_can_not_be_read(page: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        read_text("a.html", page)


def test_malicious_html_becomes_harmless() -> None:
    draft = read_text(
        "a.html",
        "<title>T</title><body onload=x()><script>alert(1)</script><p style='x'>ok"
        "<svg><script>alert(2)</script></svg><a href='jav\tascript:x'>y</a>"
        "<img src=x:y onerror=alert(3)><table><tr><td>cell",
    )

    assert draft.html == "<p>oky</p><table><tbody><tr><td>cell</td></tr></tbody></table>"
