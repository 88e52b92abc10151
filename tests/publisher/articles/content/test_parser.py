"""HTML becomes blocks, however it is nested, and every block knows what it is in."""

from __future__ import annotations

import pytest

from publisher.articles.content.blocks import (
    Block,
    BlockQuote,
    Figure,
    HorizontalRule,
    IndentedBlock,
    LanguageAttrs,
    ListBlock,
    ListItem,
    Mark,
    TableBlock,
    TextBlock,
    TextKind,
    text_blocks,
    walk_blocks,
)
from publisher.articles.content.parser import MAX_MARKS, parse_content
from publisher.articles.model import Picture
from tests.publisher.rendering.prose.helpers import in_mail, read


def blocks(source: str) -> tuple[Block, ...]:
    return read(source).blocks


def only(source: str) -> Block:
    (block,) = blocks(source)
    return block


def marks_of(source: str) -> list[tuple[str, ...]]:
    (text,) = text_blocks(blocks(source))
    return [tuple(mark.tag for mark in run.marks) for run in text.runs]


@pytest.mark.parametrize("source", ["", " ", "<p></p>", "<p>&nbsp;</p>", "<ul><li></li></ul>"])
def test_empty_html_has_no_blocks(source: str) -> None:
    assert blocks(source) == ()


def test_headings_have_two_levels_and_skip_none() -> None:
    levels = [
        t.level
        for t in text_blocks(blocks("<h3>a</h3><h2>b</h2><h5>c</h5><h4>d</h4><h2>e</h2>"))
    ]
    assert levels == [1, 1, 2, 2, 1]


def test_marks_stand_outermost_first_and_once() -> None:
    assert marks_of("<b>x<i>y<b>z</b></i></b>") == [("b",), ("b", "i")]
    assert marks_of("<a href='https://example.org/'>x<a>y</a></a>") == [("a",), ()]
    assert marks_of("<span>x</span><time datetime='2026'>y</time><abbr>z</abbr>") == [()]
    assert marks_of("<kbd>x</kbd>") == [("code",)]
    assert marks_of("<pre><code>y</code></pre>") == [()]


def test_too_many_marks_are_left_out_but_no_link() -> None:
    tags = ("b", "i", "u", "s", "em", "strong", "small", "sup")
    source = "".join(f"<{tag}>" for tag in tags) + "<a href='https://example.org/'>x</a>"
    (found,) = marks_of(source)
    assert found == (*tags[:MAX_MARKS], "a")


def test_a_declared_language_sets_the_direction() -> None:
    said = {
        "<p lang='ar'>x</p>": LanguageAttrs(language="ar", direction="rtl"),
        "<p lang='zh_TW'>x</p>": LanguageAttrs(),  # no tag that HTML knows, and so cleaned away
        "<p lang='zh-TW'>x</p>": LanguageAttrs(language="zh-Hant", direction="ltr"),
        "<p lang='xx'>x</p>": LanguageAttrs(),  # nobody knows it
        "<p lang='xx' dir='rtl'>x</p>": LanguageAttrs(direction="rtl"),
        "<p lang='ar' dir='ltr'>x</p>": LanguageAttrs(language="ar", direction="ltr"),
        "<div lang='he'><p>x</p></div>": LanguageAttrs(language="he", direction="rtl"),
        "<div lang='he'><p dir='ltr'>x</p></div>": LanguageAttrs(
            language="he", direction="ltr"
        ),
        "<p dir='auto'>1. שלום x</p>": LanguageAttrs(direction="rtl"),
        "<p dir='auto'>1.</p>": LanguageAttrs(),
        "<pre>x</pre>": LanguageAttrs(direction="ltr"),
        "<pre>قصيدة</pre>": LanguageAttrs(direction="rtl"),
        "<pre dir='rtl'>x</pre>": LanguageAttrs(direction="rtl"),
    }
    for source, tongue in said.items():
        (text,) = text_blocks(blocks(source))
        assert text.attrs == tongue, source


def test_the_language_of_a_link_moves_to_a_span_inside() -> None:
    (text,) = text_blocks(blocks("<p><a href='https://example.org/' lang='ar'>x</a></p>"))
    assert text.runs[0].marks == (
        Mark(tag="a", href="https://example.org/"),
        Mark(tag="span", attrs=LanguageAttrs(language="ar", direction="rtl")),
    )


def test_text_between_items_is_kept_in_the_list() -> None:
    listing = only("<ol start='0'>one<li>two</li><li></li><ol><li>four</li></ol></ol>")
    assert isinstance(listing, ListBlock)
    assert listing.start == 0
    assert [passages_of(item) for item in listing.items] == [["one"], ["two"], ["four"]]
    assert isinstance(listing.items[2].blocks[0], ListBlock)


def passages_of(item: ListItem) -> list[str]:
    return [text.words for text in text_blocks(item.blocks)]


def test_empty_items_count_in_numbered_lists_only() -> None:
    source = "<li>a</li><li> </li><li>b</li>"
    numbered, other = only(f"<ol>{source}</ol>"), only(f"<ul>{source}</ul>")
    assert isinstance(numbered, ListBlock)
    assert isinstance(other, ListBlock)
    assert (len(numbered.items), len(other.items)) == (3, 2)


def test_a_caption_is_a_block_beside_its_table() -> None:
    source = (
        "<table><caption>first</caption><tr><td>a</td><td>b</td></tr>"
        "<caption>second</caption><tr><td>c</td><td></td></tr></table>"
    )
    kinds = [type(block).__name__ for block in blocks(source)]
    assert kinds == [
        "TextBlock",
        "TableBlock",
        "TextBlock",
        "TextBlock",
    ]  # one cell with words is no table
    assert read(source).passages == ("first", "a", "b", "second", "c")


def test_a_table_with_one_cell_is_no_table() -> None:
    source = "<table><tr><td><h2>a</h2><p>b</p></td></tr></table>"
    assert [type(block) for block in blocks(source)] == [TextBlock, TextBlock]


def test_rows_and_cells_outside_of_tables_are_plain_text() -> None:
    assert read("<li>a</li><dd>b</dd><dt>c</dt>").passages == ("a", "b", "c")
    assert parse_content("<tr><td>a</td></tr><td>b</td>").passages == ("a", "b")
    assert parse_content("<table><td>a<tr>b<td>c</tr></table>").passages == ("a", "b", "c")


def test_kinds_of_text() -> None:
    source = (
        "<dl><dt><p>term</p></dt><dd>words</dd></dl><figure><figcaption>caption</figcaption>"
        "</figure><h2><div>heading</div></h2><pre>a<p>b</p></pre><blockquote>quote</blockquote>"
    )
    assert [(t.words, t.kind) for t in text_blocks(blocks(source))] == [
        ("term", TextKind.TERM),
        ("words", TextKind.PARAGRAPH),
        ("caption", TextKind.CAPTION),
        ("heading", TextKind.HEADING),
        ("a", TextKind.VERBATIM),
        ("b", TextKind.VERBATIM),
        ("quote", TextKind.PARAGRAPH),
    ]
    assert [type(block) for block in blocks(source)][:2] == [TextBlock, IndentedBlock]


def test_large_pictures_come_behind_the_paragraph_that_has_them() -> None:
    source = (
        "<p>a<img src='/m/x.png' alt='x' width='20' height='20'>b"
        "<a href='/en/'><img src='/m/y.png' alt='y' width='90' height='90'></a></p><hr>"
        "<p><img src='/m/z.png' alt='z' width='9' height='9'></p>"
    )
    text, large, rule, small = blocks(source)
    assert isinstance(text, TextBlock)
    assert [(run.text, bool(run.picture)) for run in text.runs] == [
        ("a", False),
        ("", True),
        ("b", False),
    ]
    assert large == Figure(
        picture=Picture(src="https://news.example.org/m/y.png", alt="y", width=90, height=90),
        href="https://news.example.org/en/",
    )
    assert isinstance(rule, HorizontalRule)
    assert isinstance(small, Figure)


def test_deep_nesting_is_dissolved_without_losing_text() -> None:
    source = (
        "<blockquote>" * 20 + "<ul><li>" * 10 + "<table><tr><td>a</td><td>b</td></tr></table>"
        "<p>c</p>" + "</li></ul>" * 10 + "</blockquote>" * 20
    )
    mail = in_mail(source)
    assert read(source).passages == ("a", "b", "c")
    assert depth(mail) <= 30
    quotes = [block for block in walk_blocks(blocks(source)) if isinstance(block, BlockQuote)]
    assert 3 <= len(quotes) <= 6
    assert not any(isinstance(block, TableBlock) for block in walk_blocks(blocks(source)))


def depth(mail: str) -> int:
    deepest = level = 0
    for part in mail.split("<")[1:]:
        level += -1 if part.startswith("/") else 0 if part.startswith(("br", "img")) else 1
        deepest = max(deepest, level)
    assert level == 0
    return deepest


def test_quotations_are_those_in_the_articles_own_language() -> None:
    prose = read(
        "<blockquote><p>one<br>line</p><p>and another</p></blockquote><ul><li><blockquote>within"
        "</blockquote></li></ul><blockquote lang='fr'>ailleurs</blockquote>"
    )
    assert list(prose.quotations) == ["one line and another", "within"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one\n two</p><p>three</p>", "one two\n\nthree"),
        ("<p>a <b> b</b>c<br>d <br/> e</p>", "a bc\nd\ne"),
        ("<h2>H</h2>loose<ul><li>x</li><li><p>y</p></li></ul>", "H\n\nloose\n\nx\n\ny"),
        ("<pre>  a\n    b\n</pre>", "  a\n    b"),
        ("<pre>a<br>b</pre>", "a\nb"),
        ("<p><ruby>關<rp>(</rp><rt>guān</rt><rp>)</rp></ruby>係</p>", "關係"),
        ("<p>中文\n继续，\n再来</p>", "中文继续，再来"),
        ("<p>한국\n어</p>", "한국 어"),
        ("<p>a &lt;b&gt; &amp; c\u00a0d</p>", "a <b> & c\u00a0d"),
        ("<p>x<img src='a' alt='A'></p>", "x"),
        ("", ""),
        ("<p> </p><hr>", ""),
    ],
)
def test_plain_text_has_blocks_apart_by_empty_lines(html: str, text: str) -> None:
    assert parse_content(html).text == text


def test_plain_text_has_cells_apart_by_tabs_and_rows_by_lines() -> None:
    table = (
        "<p>before</p><table><caption>C</caption><thead><tr><th>A</th><th>B</th></tr></thead>"
        "<tbody><tr><td><p>1</p><p>2</p></td><td>3</td></tr></tbody></table>after"
    )

    assert parse_content(table).text == "before\n\nC\n\nA\tB\n1 2\t3\n\nafter"
