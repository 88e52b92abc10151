"""Documents in HTML and in Markdown."""

from datetime import UTC, date, datetime
from pathlib import PurePosixPath

import pytest

from publisher.articles.model import Byline
from publisher.errors import ArticleError
from publisher.ingest.parsers import ARTICLE_SUFFIXES, parse_document
from publisher.ingest.parsers.document import SourceDocument
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import MemoryLibrary, read_text

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


def test_front_matter_counts_before_the_head_and_a_fragment_with_it_is_all_body() -> None:
    draft = read_text("a.html", "---\ntitle: Mine\nlang: pt\n---\n" + PAGE)
    assert (draft.title, draft.language, draft.section) == ("Mine", "pt", "Mundo")
    assert "<h2>Página <i>boa</i></h2>" in draft.html
    draft = read_text("a.htm", "---\ntitle: T\n---\nloose <b>text</b><p>and more")
    assert draft.text == "loose text\n\nand more"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<main>a<article>b</article><article>c</article></main>d", "abc"),
        ("<article>a<article>b</article></article><main>c</main>", "ab"),
        *(("<article>a</article><article>b</article>", "a"), ("<main>a</main>b", "a")),
        ("<header>x</header>a<footer>y</footer><aside>z</aside>b", "ab"),
        *(("<header>x<h1>H</h1></header>a", "xa"), ("a<nav>x</nav>b", "ab")),
        *(("a<!-- x -->b", "ab"), ("<article><footer>note</footer></article>", "note")),
    ],
)
def test_the_article_is_found_on_its_page(body: str, text: str) -> None:
    draft = read_text("a.html", f"<title>T</title><body>{body}</body>")
    assert draft.text.replace("\n", "") == text
    assert draft.title in {"T", "H"}


@pytest.mark.parametrize(
    ("link", "url"),
    [
        *(("/relative", None), ("mailto:a@example.org", None)),
        *(("//example.org/x", "https://example.org/x"), ("", None)),
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
        *(("", "^no text"), ("<!-- x -->", "^no t"), ("<title>T</title>", "^no text")),
        ("<p>x", "^no title"),
        ('<title>T</title><meta name="date" content="soon">x', "^date: 'soon' is not a date"),
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


HEAD = "---\ntitle: T\n---\n"


def html_of(body: str) -> str:
    return read_text("a.md", HEAD + body).html


def test_a_document_with_front_matter() -> None:
    text = "---\ntitle: A title\ndate: 2026-01-09\nlang: no\n---\nOne *two*.\n"
    draft = read_text("en/a.md", "\ufeff" + text.replace("\n", "\r\n"))
    assert draft.title == "A title"
    assert draft.published == date(2026, 1, 9)
    assert draft.language == "no"
    assert draft.html == "<p>One <em>two</em>.</p>"
    assert draft.text == "One two."
    assert draft.media == ()


def test_the_title_may_be_the_first_heading_which_is_not_repeated() -> None:
    draft = read_text("a.md", "# A *fine* `title`<br>\n\nText.")
    assert draft.title == "A fine title"
    assert draft.html == "<p>Text.</p>"
    assert read_text("a.md", HEAD + "# T\n\nText.").html == "<p>Text.</p>"
    assert read_text("a.md", HEAD + "# U\n\nText.").html == '<h2 id="u">U</h2>\n<p>Text.</p>'


@pytest.mark.parametrize(
    ("body", "html"),
    [
        *(("~~a~~", "<p><s>a</s></p>"), ("https://example.org", "<p>https://example.org</p>")),
        ("a <b onclick=x>b</b>", "<p>a <b>b</b></p>"),
        ("[x](javascript:alert(1)) y", "<p>[x](javascript:alert(1)) y</p>"),
        ("[x](other.md)", '<p><a href="publication:other.md?/other.md">x</a></p>'),
        ("[x][y]", "<p>[x][y]</p>"),
        ("{{ x }} {% y %} `{{ z }}`", "<p>{{ x }} {% y %} <code>{{ z }}</code></p>"),
        ("中文\n中文\nabc\n**中**\n文", "<p>中文中文\nabc\n<strong>中</strong>文</p>"),
        ("**重：**说 *也*（**是**）", "<p><strong>重：</strong>说 <em>也</em>（<strong>是</strong>）</p>"),
        ("说**“重”**点**(a)** ** 空 **", "<p>说<strong>“重”</strong>点<strong>(a)</strong> ** 空 **</p>"),
        ("a * b_c_d 中_文_字 2*3*4", "<p>a * b_c_d 中_文_字 2<em>3</em>4</p>"),
        *(("中<br>\n文", "<p>中<br>文</p>"), ("a\x00b\u0007", "<p>ab</p>")),
    ],
)  # fmt: skip
def test_markdown_to_html(body: str, html: str) -> None:
    assert html_of(body) == html


def test_tables_code_and_footnotes_are_read_and_unclosed_tables_lose_no_text() -> None:
    html = html_of("|a|b|\n|-|-|\n|1|<i>2</i>|\n\n```py\nx < 1\n```")
    assert "<td><i>2</i></td>" in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html
    draft = read_text("a.md", HEAD + "Text[^1].\n\n[^1]: The note.")
    assert draft.text == "Text[1].\n\nThe note."
    assert '<a href="#fn1" id="fnref1">[1]</a>' in draft.html
    assert '<li id="fn1"><p>The note. <a href="#fnref1">↩︎</a></p>' in draft.html
    draft = read_text("a.md", HEAD + "<table><tr><td>one\n\ntwo *three*\n")
    assert draft.html.count("<table>") == draft.html.count("</table>")
    assert "two three" in draft.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        *(("Only text.", "^no title; "), (HEAD, "^no text; ")),
        (HEAD + "<!-- x -->", "^no text; "),
        (HEAD + "> " * 300 + "x", "nested more than 100 deep"),
        (HEAD + "- " * 300 + "x", "nested more than 100 deep"),
        (HEAD + "<div>" * 300 + "x", "nested more than 100 deep"),
        (HEAD + "[" * 6000, "more than 5,000 square brackets"),
        (HEAD + "a" * 1_000_001, "longer than 1,000,000 characters"),
        (HEAD + "a" * 6_000_000, "^larger than 5 MB"),
        ("---\ntitle: T\n", "^front matter, line 1"),
        ("---\ntitle: T\ndate: soon\n---\nx", "^date: 'soon'"),
    ],
)
def test_errors_are_one_line(text: str, reason: str) -> None:
    with at_most(5), pytest.raises(ArticleError, match=reason) as caught:
        read_text("a.md", text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"---\ntitle: T\n---\na\xff", "not UTF-8: byte 0xFF at offset 18 .line 4.; save it"),
        (b"\xef\xbb\xbfa\nb\xed\xa0\x80", "byte 0xED at offset 6 .line 2."),
        ("x".encode("utf-16"), "written in UTF-16; save it as UTF-8"),
    ],
)
def test_bytes_that_are_not_utf8_are_named(content: bytes, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        parse_document(SourceDocument(PurePosixPath("a.md"), content), MemoryLibrary())


@pytest.mark.parametrize(
    ("name", "front", "day"),
    [
        ("2025-01-03-x.md", "date: 2026-01-09\n", date(2026, 1, 9)),
        ("2025-01-03-x.md", "permalink: /en/2025/02/04/\n", date(2025, 2, 4)),
        *(("2025-01-03-x.md", "permalink: /en/x/\n", date(2025, 1, 3)), ("x.md", "", None)),
    ],
)
def test_the_date_is_read_from_metadata_permalink_or_file_name(
    name: str, front: str, day: date | None
) -> None:
    assert read_text(name, f"---\ntitle: T\n{front}---\nx").published == day


def test_drafts_pictures_alone_and_relative_links_are_read_as_such() -> None:
    assert read_text("a.md", "---\ntitle: T\npublished: false\n---\nx").is_draft
    draft = read_text("a.md", "---\ntitle: T\nurl: https://example.org/a/b\n---\n[x](c)")
    assert draft.html == '<p><a href="https://example.org/a/c">x</a></p>'
    draft = read_text("a.md", HEAD + "![](https://example.org/a.png)")
    assert draft.text == ""


@pytest.mark.parametrize("name", ["a.MARKDOWN", "a.md", "a.Html", "a.htm"])
def test_the_suffix_decides_in_any_case(name: str) -> None:
    assert PurePosixPath(name).suffix.lower() in ARTICLE_SUFFIXES
    assert read_text(name, HEAD + "x").title == "T"


def test_other_kinds_are_refused() -> None:
    with pytest.raises(ArticleError, match="not a kind of document that is read"):
        read_text("a.pdf", "x")
