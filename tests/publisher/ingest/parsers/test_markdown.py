from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath

import pytest

from publisher.errors import ArticleError
from publisher.ingest.parsers import ARTICLE_SUFFIXES, SourceDocument, parse_document
from tests.cpu_time import at_most
from tests.publisher.ingest.helpers import MemoryLibrary, read_text

HEAD = "---\ntitle: T\n---\n"


def html_of(body: str) -> str:
    return read_text("a.md", HEAD + body).html


def test_a_document_with_front_matter() -> None:
    draft = read_text(
        "en/a.md",
        "\ufeff---\r\ntitle: A title\r\ndate: 2026-01-09\r\nlang: no\r\n---\r\nOne *two*.\r\n",
    )

    assert draft.title == "A title"
    assert draft.published == date(2026, 1, 9)
    assert draft.language == "no"
    assert draft.html == "<p>One <em>two</em>.</p>"
    assert draft.text == "One two."
    assert draft.media == ()


def test_the_title_may_be_the_first_heading_and_is_not_repeated() -> None:
    draft = read_text("a.md", "# A *fine* `title`<br>\n\nText.")

    assert draft.title == "A fine title"
    assert draft.html == "<p>Text.</p>"


def test_a_heading_that_repeats_the_title_is_removed_and_another_stays() -> None:
    assert read_text("a.md", HEAD + "# T\n\nText.").html == "<p>Text.</p>"
    assert read_text("a.md", HEAD + "# U\n\nText.").html == '<h2 id="u">U</h2>\n<p>Text.</p>'


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("~~a~~", "<p><s>a</s></p>"),
        ("https://example.org", "<p>https://example.org</p>"),
        ("a <b onclick=x>b</b>", "<p>a <b>b</b></p>"),
        ("[x](javascript:alert(1)) y", "<p>[x](javascript:alert(1)) y</p>"),
        ("[x](other.md)", '<p><a href="publication:other.md?/other.md">x</a></p>'),
        ("[x][y]", "<p>[x][y]</p>"),
        ("{{ x }} {% y %} `{{ z }}`", "<p>{{ x }} {% y %} <code>{{ z }}</code></p>"),
        ("中文\n中文\nabc\n**中**\n文", "<p>中文中文\nabc\n<strong>中</strong>文</p>"),
        (
            "**重点：**说明 *也*（**是**）",
            "<p><strong>重点：</strong>说明 <em>也</em>（<strong>是</strong>）</p>",
        ),
        (
            "说**“重”**点**(a)**点 ** 空 **",
            "<p>说<strong>“重”</strong>点<strong>(a)</strong>点 ** 空 **</p>",
        ),
        ("a * b_c_d 中_文_字 2*3*4", "<p>a * b_c_d 中_文_字 2<em>3</em>4</p>"),
        ("中<br>\n文", "<p>中<br>文</p>"),
        ("a\x00b\u0007", "<p>ab</p>"),
    ],
)
def test_markdown_to_html(body: str, html: str) -> None:
    assert html_of(body) == html


def test_tables_and_code() -> None:
    html = html_of("|a|b|\n|-|-|\n|1|<i>2</i>|\n\n```py\nx < 1\n```")

    assert "<td><i>2</i></td>" in html
    assert "<pre><code>x &lt; 1\n</code></pre>" in html


def test_footnotes_and_their_references_lead_to_each_other() -> None:
    draft = read_text("a.md", HEAD + "Text[^1].\n\n[^1]: The note.")

    assert draft.text == "Text[1].\n\nThe note."
    assert '<a href="#fn1" id="fnref1">[1]</a>' in draft.html
    assert '<li id="fn1"><p>The note. <a href="#fnref1">↩︎</a></p>' in draft.html


def test_unclosed_html_tables_lose_no_text() -> None:
    draft = read_text("a.md", HEAD + "<table><tr><td>one\n\ntwo *three*\n")

    assert draft.html.count("<table>") == draft.html.count("</table>")
    assert "two three" in draft.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Only text.", "^no title; "),
        (HEAD, "^no text; "),
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
        ("2025-01-03-x.md", "permalink: /en/x/\n", date(2025, 1, 3)),
        ("x.md", "", None),
    ],
)
def test_the_date_is_read_from_metadata_permalink_or_file_name(
    name: str, front: str, day: date | None
) -> None:
    assert read_text(name, f"---\ntitle: T\n{front}---\nx").published == day


def test_drafts_are_read_as_such() -> None:
    assert read_text("a.md", "---\ntitle: T\npublished: false\n---\nx").is_draft


def test_relative_links_of_a_saved_page_become_absolute() -> None:
    draft = read_text("a.md", "---\ntitle: T\nurl: https://example.org/a/b\n---\n[x](c)")

    assert draft.html == '<p><a href="https://example.org/a/c">x</a></p>'


def test_a_picture_alone_is_an_article() -> None:
    draft = read_text("a.md", HEAD + "![](https://example.org/a.png)")

    assert draft.text == ""


@pytest.mark.parametrize("name", ["a.MARKDOWN", "a.md", "a.Html", "a.htm"])
def test_the_suffix_decides_in_any_case(name: str) -> None:
    assert PurePosixPath(name).suffix.lower() in ARTICLE_SUFFIXES
    assert read_text(name, HEAD + "x").title == "T"


def test_other_kinds_are_refused() -> None:
    with pytest.raises(ArticleError, match="not a kind of document that is read"):
        read_text("a.pdf", "x")
