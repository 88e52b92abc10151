"""What a mail's HTML and its text say in particular; whole documents are in test_documents."""

import re

import pytest
from hypothesis import example, given
from lxml import html

from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering.environment import Templates
from publisher.rendering.plaintext import display_width, wrap_text
from publisher.rendering.prose import mail_html
from publisher.rendering.prose.mail_html import INDENT_PIXELS, QUOTE_PIXELS
from tests.publisher.rendering import sample
from tests.publisher.rendering.prose.helpers import (
    BASE,
    FRAGMENTS,
    in_mail,
    in_text,
    read,
    text_of,
)
from tests.publisher.rendering.prose.test_documents import SOURCES

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
        assert picture.get("height") or "max-height" in picture.get("style", "")
    for cell in tree.iter("table", "td", "th"):
        assert cell.get("dir") in {"ltr", "rtl"}
    assert all(link.text_content().strip() or len(link) for link in tree.iter("a"))


def test_headings_begin_below_the_title_and_empty_content_gives_no_html() -> None:
    assert in_mail("") == ""
    assert in_mail('<blockquote><img src="/m/a.svg" alt="x"></blockquote>') == ""
    prose = read("<h2>a</h2><h3>b</h3>")
    for level in (3, 4):
        mail = mail_html(prose, language="en", base_url=BASE, level=level)
        assert re.findall(r"<h\d", mail) == [f"<h{level}", f"<h{level + 1}"]


def test_words_and_titles_are_escaped_and_change_no_direction() -> None:
    assert "a &lt;b&gt; &amp; c" in in_mail("<p>a &lt;b&gt; &amp; c</p>")
    mail = in_mail(
        '<p><a href="https://example.org/?a&quot;b">x</a> <abbr title="&quot;&lt;b&gt;">y</abbr></p>'
    )
    assert 'href="https://example.org/?a%22b"' in mail
    assert 'title="&quot;&lt;b&gt;"' in mail
    assert 'title="ab"' in in_mail('<p><abbr title="a&#x202e;b">x</abbr></p>')


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "<em>x</em>"), ("ru", "<em>x</em>"), ("ja", "<em class="), ("he", "<em class=")],
)
def test_only_scripts_that_have_italics_are_slanted(language: str, written: str) -> None:
    assert written in in_mail("<p><em>x</em></p>", language)


def test_only_text_that_has_italics_is_slanted_also_in_a_foreign_word() -> None:
    mail = in_mail('<p>字<em lang="en">x</em><span lang="ja"><em>y</em></span></p>', "zh-Hans")
    assert '<em lang="en" dir="ltr"' in mail
    assert '<em class="prose-stress">y</em>' in mail
    mail = in_mail("<p><em>so</em> 強<em>naïve ªº ʔ Ελλ яр</em></p>")
    assert mail.count("<em>") == 2


@pytest.mark.parametrize(
    "word", ["強調", "かな", "강조", "تأكيد", "הדגש", "เน้น", "ज़ोर", "so 強"]
)
def test_letters_without_italics_are_upright_in_any_language(word: str) -> None:
    mail = in_mail(f"<p>so <em>{word}</em> <cite>{word}</cite> <em>a <b>{word}</b></em></p>")
    assert mail.count('<em class="prose-stress">') == 2
    assert "<i>" not in mail


def test_language_is_said_where_it_changes_and_only_there() -> None:
    source = '<div lang="en"><p>a <span lang="en-GB">b</span> <b lang="en">c</b></p></div>'
    assert "lang=" not in in_mail(source).replace('lang="en-GB"', "")
    assert in_mail(source).count('lang="en-GB" dir="ltr"') == 1
    assert in_mail(source, "ar").count('lang="en" dir="ltr"') == 1


def test_blocks_and_items_of_the_other_direction_are_aligned_to_their_own_side() -> None:
    assert '<p class="prose start-right" lang="he" dir="rtl"' in in_mail('<p lang="he">x</p>')
    assert '<p class="prose start-left" dir="ltr">' in in_mail('<p dir="ltr">x</p>', "ar")
    mail = in_mail('<ul><li lang="en">x</li><li><p dir="ltr">y</p></li></ul>', "ar")
    assert '<li class="prose-entry"><div lang="en" dir="ltr" style="' in mail
    assert '<li class="prose-entry"><p class="prose flush start-left" dir="ltr">y</p>' in mail


def test_a_link_around_blocks_is_in_each_and_one_that_is_too_long_leaves_its_words() -> None:
    mail = in_mail('<a href="https://example.org/"><p>a</p><p>b <i>c</i></p></a>')
    assert mail.count('<a class="link" href="https://example.org/">') == 2
    mail = in_mail(f'<p><a href="https://example.org/{"a" * 2000}">words</a></p>')
    assert "<a" not in mail
    assert text_of(mail).strip() == "words"


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


def test_cells_span_no_more_rows_than_there_are_and_headers_have_their_scope() -> None:
    mail = in_mail(
        '<table><tr><td rowspan="999">a</td><td>b</td></tr><tr><td rowspan="2">c</td></tr></table>'
    )
    assert mail.count("rowspan") == 1
    assert 'rowspan="2"' in mail
    mail = in_mail("<table><tr><th>a</th><th>b</th></tr><tr><th>c</th><td>d</td></tr></table>")
    assert re.findall('scope="([a-z]+)"', mail) == ["col", "col", "row"]


LONG = "word " * 40


def test_lists_and_quotations_are_indented_on_every_line_and_leave_room_for_words() -> None:
    text = in_text(f"<ul><li>{LONG}</li></ul><ol start='9'><li>{LONG}</li><li>x</li></ol>")
    starts = [line[:6] for line in text.splitlines()]
    assert starts == ["- word", "  word", "  word", "", "9. wor", "   wor", "   wor", "10. x"]
    lines = in_text(f"<blockquote><p>{LONG}</p><p>x</p></blockquote>").splitlines()
    assert all(line.startswith("  ") for line in lines if line)
    text = in_text("<ul><li>" * 10 + LONG + "</li></ul>" * 10)
    assert all(len(line.strip()) > 10 for line in text.splitlines() if line)
    assert in_text("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>") == "- a\n- b\n  - c"
    assert in_text("<ul><li>a</li><li><p>b</p><p>c</p></li></ul>") == "- a\n\n- b\n\n  c"


def test_code_keeps_its_spaces_and_is_only_wrapped_if_it_is_too_long() -> None:
    code = "a  =  1\n\n    if  a:\n        b()"
    assert wrap_text(in_text(f"<pre>{code}</pre>")) == f"{code}\n"
    fits, long = "x  " * 25, "    " + "y " * 50
    lines = in_text(f"<pre>{fits}\n{long}\n{' ' * 90}z</pre>").splitlines()
    assert lines[0] == fits.rstrip()
    assert lines[1].startswith("    y")
    assert lines[2].startswith("    y")
    assert lines[3] == " " * (MAX_TEXT_COLUMNS // 2) + "z"


def test_cells_are_separated_by_bars_and_isolated_if_they_would_reverse_the_row() -> None:
    row = "<table><tr><td>a</td><td>{}</td><td>12</td></tr></table>"
    assert in_text(row.format("b")) == "a | b | 12"
    assert in_text(row.format("مد")) == "a | \u2068مد\u2069 | 12"
    assert in_text(row.format("مد"), "ar") == "\u2068a\u2069 | مد | 12"


@pytest.mark.parametrize("cells", [("a" * 80, "b" * 80), ("a", "<ul><li>b</li></ul>")])
def test_long_rows_are_written_cell_by_cell(cells: tuple[str, str]) -> None:
    text = in_text("<table><tr><td>{}</td><td>{}</td></tr></table>".format(*cells))
    assert " | " not in text


@given(FRAGMENTS)
def test_lines_fit_and_stay_as_they_are(source: str) -> None:
    text = in_text(source)
    assert all(display_width(line) <= MAX_TEXT_COLUMNS for line in text.splitlines())
    assert wrap_text(text).split() == text.split()
    assert not text.startswith("\n")


RULE = re.compile(r"([^{}]+) \{ ([^{}]*) \}")
# What styles only sizes and sides needs no other colours in the dark.
COLOURED = re.compile(r"(?<![a-z-])(color|background-color|border[a-z-]*):[^;]*#")
# The sheet that every mail has knows this one.
COMMON = {"link"}


def sheet(name: str, language: str = "en") -> str:
    values = {"publication": sample.publication(language)}
    return Templates(None).render(f"email/_base/{name}.css", language, values)


def rules(language: str = "en") -> dict[str, str]:
    return {
        selector: declarations
        for selectors, declarations in RULE.findall(sheet("prose", language))
        for selector in map(str.strip, selectors.split(","))
    }


def written() -> set[str]:
    found = set()
    for language in ("en", "ar", "zh-Hant"):
        for source in SOURCES:
            mail = in_mail(source.read_text("utf-8"), language)
            for names in re.findall('class="([^"]*)"', mail):
                found |= set(names.split())
    return found


def test_every_class_has_a_rule_and_every_rule_a_class() -> None:
    styled = {name for selector in rules() for name in re.findall(r"\.([\w-]+)", selector)}
    assert written() - COMMON == styled


@pytest.mark.parametrize("language", ["en", "ar", "zh-Hans"])
def test_style_rules_are_simple_enough_for_inlining_and_old_mail_programs(
    language: str,
) -> None:
    assert len(rules(language)) > 30
    for selector, declarations in rules(language).items():
        names = re.findall(r"(?:^|;)\s*([a-z-]+):", declarations)
        assert len(names) == len(set(names)), selector
        for name in names:
            assert not any(other.startswith(f"{name}-") for other in names), selector
        assert not re.search(r"#(?![0-9a-f]{6}\b)", declarations), selector
        assert not re.search(r"[\[*>+~]|:(?!hover)", selector), selector


def test_every_colour_has_one_for_the_dark() -> None:
    dark = sheet("dark")
    for selector, declarations in rules().items():
        if COLOURED.search(declarations):
            assert re.search(rf"{re.escape('.' + selector.rpartition('.')[2])}\b", dark), (
                selector
            )


def test_the_style_sheet_has_the_indents_that_picture_widths_assume() -> None:
    for side, margins in {"left": "0 0 {}px", "right": "{}px 0 0"}.items():
        found = rules()
        for name in ("list", "inset"):
            assert margins.format(INDENT_PIXELS) in found[f".prose-{name}-{side}"]
        quote = found[f"td.prose-quote-{side}"]
        (border,) = re.findall(r"border-[a-z]+:(\d+)px", quote)
        assert margins.format(QUOTE_PIXELS - int(border)) in quote
