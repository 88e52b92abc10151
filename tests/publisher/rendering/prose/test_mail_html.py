"""What a mail's HTML says in particular; whole documents are in test_documents."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from lxml import html

from publisher.rendering.prose import mail_html
from tests.publisher.rendering.prose.helpers import BASE, FRAGMENTS, in_mail, read, text_of

# All of them are known to Gmail, Outlook, Apple Mail and Yahoo, or lose nothing but a nuance
# where they are not (caniemail: html-abbr).
ELEMENTS = frozenset(
    "div p h3 h4 blockquote pre table tr td th ul ol li a img br span strong b em i u s del ins "  # noqa: SIM905  # one a line would fill the page
    "sub sup small code q abbr".split()
)
ATTRIBUTES = frozenset(
    "class lang dir style href src width height alt title role cellpadding cellspacing border "  # noqa: SIM905  # one a line would fill the page
    "align start scope colspan rowspan".split()
)


@given(FRAGMENTS)
@example('word<a href="https://example.org/"><img src="https://elsewhere.example/p.png"></a>')
def test_only_what_mail_programs_know_is_written(source: str) -> None:
    mail = in_mail(source, "ar")
    tree = html.fragment_fromstring(mail, create_parent="div")
    for element in list(tree.iter())[1:]:
        assert element.tag in ELEMENTS
        assert set(element.keys()) <= ATTRIBUTES
        assert element.get("class") or element.tag not in {"p", "h3", "h4", "pre", "li"}
    for picture in tree.iter("img"):
        assert picture.get("alt")
        assert int(picture.get("width", "")) <= 528
        assert int(picture.get("height", "")) > 0
    for cell in tree.iter("table", "td", "th"):
        assert cell.get("dir") in {"ltr", "rtl"}
    assert all(link.text_content().strip() or len(link) for link in tree.iter("a"))


def test_content_without_text_or_pictures_gives_no_html() -> None:
    assert in_mail("") == ""
    assert in_mail('<blockquote><img src="/m/a.svg" alt="x"></blockquote>') == ""


def test_words_are_escaped() -> None:
    assert "a &lt;b&gt; &amp; c" in in_mail("<p>a &lt;b&gt; &amp; c</p>")
    mail = in_mail(
        '<p><a href="https://example.org/?a&quot;b">x</a> <abbr title="&quot;&lt;b&gt;">y</abbr></p>'
    )
    assert 'href="https://example.org/?a%22b"' in mail
    assert 'title="&quot;&lt;b&gt;"' in mail


def test_headings_begin_below_the_storys_title() -> None:
    prose = read("<h2>a</h2><h3>b</h3>")
    for level in (3, 4):
        mail = mail_html(prose, language="en", base_url=BASE, level=level)
        assert re.findall(r"<h\d", mail) == [f"<h{level}", f"<h{level + 1}"]


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "<em>x</em>"), ("ru", "<em>x</em>"), ("ja", "<em class="), ("he", "<em class=")],
)
def test_only_scripts_that_have_italics_are_slanted(language: str, written: str) -> None:
    assert written in in_mail("<p><em>x</em></p>", language)


def test_a_foreign_word_is_slanted_as_its_own_language_is() -> None:
    mail = in_mail('<p>字<em lang="en">x</em><span lang="ja"><em>y</em></span></p>', "zh-Hans")
    assert '<em lang="en" dir="ltr"' in mail
    assert '<em class="prose-stress">y</em>' in mail


@pytest.mark.parametrize(
    "word", ["強調", "かな", "강조", "تأكيد", "הדגש", "เน้น", "ज़ोर", "so 強"]
)
def test_letters_without_italics_are_upright_in_any_language(word: str) -> None:
    mail = in_mail(f"<p>so <em>{word}</em> <cite>{word}</cite> <em>a <b>{word}</b></em></p>")
    assert mail.count('<em class="prose-stress">') == 2
    assert "<i>" not in mail


def test_italics_depend_only_on_the_text_under_their_mark() -> None:
    mail = in_mail("<p><em>so</em> 強<em>naïve ªº ʔ Ελλ яр</em></p>")
    assert mail.count("<em>") == 2


def test_a_title_attribute_changes_no_direction() -> None:
    assert 'title="ab"' in in_mail('<p><abbr title="a&#x202e;b">x</abbr></p>')


def test_language_is_said_where_it_changes_and_only_there() -> None:
    source = '<div lang="en"><p>a <span lang="en-GB">b</span> <b lang="en">c</b></p></div>'
    assert "lang=" not in in_mail(source).replace('lang="en-GB"', "")
    assert in_mail(source).count('lang="en-GB" dir="ltr"') == 1
    assert in_mail(source, "ar").count('lang="en" dir="ltr"') == 1


def test_a_block_of_the_other_direction_is_aligned_to_its_own_side() -> None:
    assert '<p class="prose start-right" lang="he" dir="rtl"' in in_mail('<p lang="he">x</p>')
    assert '<p class="prose start-left" dir="ltr">' in in_mail('<p dir="ltr">x</p>', "ar")


def test_an_item_that_runs_the_other_way_stays_beside_its_marker() -> None:
    mail = in_mail('<ul><li lang="en">x</li><li><p dir="ltr">y</p></li></ul>', "ar")
    assert '<li class="prose-entry"><div lang="en" dir="ltr" style="' in mail
    assert '<li class="prose-entry"><p class="prose flush start-left" dir="ltr">y</p>' in mail


def test_links_that_are_too_long_leave_their_words() -> None:
    mail = in_mail(f'<p><a href="https://example.org/{"a" * 2000}">words</a></p>')
    assert "<a" not in mail
    assert text_of(mail).strip() == "words"


def test_a_link_around_blocks_is_in_each() -> None:
    mail = in_mail('<a href="https://example.org/"><p>a</p><p>b <i>c</i></p></a>')
    assert mail.count('<a class="link" href="https://example.org/">') == 2


def test_tables_that_fit_a_phone_are_tables() -> None:
    numbers = "".join(f"<td>{n}</td>" for n in range(6))
    assert "<table" in in_mail(f"<table><tr>{numbers}</tr></table>")
    assert "<table" in in_mail(
        "<table><tr><td>a</td><td>words that can be wrapped</td></tr></table>"
    )


@pytest.mark.parametrize(
    "cells",
    [
        ["w" * 40, "b"],
        ["words to be wrapped, really"] * 4,
        ["字"] * 20,
        ["a", "<ul><li>list</li></ul>"],
        ["a", "<pre>code</pre>"],
        ["a", '<img src="/m/a.png" alt="x" width="99" height="99">b'],
    ],
)
def test_tables_that_do_not_fit_a_phone_are_written_row_by_row(cells: list[str]) -> None:
    row = "".join(f"<td>{cell}</td>" for cell in cells)
    mail = in_mail(f"<table><tr>{row}</tr></table>")
    assert "<table" not in mail
    assert mail.count('class="prose-record"') == 1


def test_no_cell_spans_more_rows_than_there_are() -> None:
    mail = in_mail(
        '<table><tr><td rowspan="999">a</td><td>b</td></tr><tr><td rowspan="2">c</td></tr></table>'
    )
    assert mail.count("rowspan") == 1
    assert 'rowspan="2"' in mail


def test_column_and_row_headers_have_their_scope() -> None:
    mail = in_mail("<table><tr><th>a</th><th>b</th></tr><tr><th>c</th><td>d</td></tr></table>")
    assert re.findall('scope="([a-z]+)"', mail) == ["col", "col", "row"]
