"""The content of articles: markup, white space, anchors, excerpts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    TextRun,
    text_blocks,
    walk_blocks,
)
from publisher.articles.content.internal_links import is_back_arrow, link_anchors
from publisher.articles.content.parser import MAX_MARKS, parse_content
from publisher.articles.content.text import (
    EXCERPT_CHARACTERS,
    EXCERPT_WORDS,
    fold_whitespace,
    make_excerpt,
    split_sentences,
)
from publisher.articles.model import Picture
from publisher.ingest.sanitise import sanitise
from tests.cpu_time import at_most
from tests.publisher.rendering.prose.helpers import in_mail, read

# HTML becomes blocks, however it is nested, and every block knows what it is in.


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


def test_headings_have_two_levels_and_quotations_are_in_the_articles_own_language() -> None:
    headings = blocks("<h3>a</h3><h2>b</h2><h5>c</h5><h4>d</h4><h2>e</h2>")
    assert [text.level for text in text_blocks(headings)] == [1, 1, 2, 2, 1]
    prose = read(
        "<blockquote><p>one<br>line</p><p>and another</p></blockquote><ul><li><blockquote>within"
        "</blockquote></li></ul><blockquote lang='fr'>ailleurs</blockquote>"
    )
    assert [one.text for one in prose.quotations] == ["one line and another", "within"]


@pytest.mark.parametrize(
    ("source", "speaker"),
    [
        ("<p>Come.</p><p>— Ada Lee, pilot</p>", "Ada Lee, pilot"),
        ("<p>Come<br>-- Ada Lee Jr.</p>", "Ada Lee Jr."),
        ("Come.\n— Ada Lee", "Ada Lee"),
        ("<p>「來」——李艾達</p>", "李艾達"),
        ("<p>Come</p><cite>Ada <b>Lee</b></cite>", "Ada Lee"),
        ("<p>Come. — <cite>Ada Lee</cite></p>", "Ada Lee"),
        ("<p>Come.</p><footer>Ada Lee, <cite>Tides</cite></footer>", "Ada Lee, Tides"),
        ("<p>Come</p></blockquote><figcaption>– Ada Lee</figcaption>", "Ada Lee"),
        ("<p>Come as in <cite>Tides</cite></p>", ""),
        ("<p>He came. — And went.</p>", ""),
        ("<p>— Come!<br>— Why?</p>", ""),
        ("<p>A well-kept tide</p>", ""),
        ("<cite>Come</cite>", ""),
        ("Come</blockquote><table><caption>Tides</caption><tr><td>1<td>2</table>", ""),
    ],
)
def test_a_quotation_has_the_speaker_whom_the_article_names(source: str, speaker: str) -> None:
    html = sanitise(f"<figure><blockquote>{source}</blockquote></figure>", base_url=None).html
    (quoted,) = read(html).quotations
    assert quoted.speaker == speaker
    assert not speaker or quoted.text in {"Come", "Come.", "「來」"}


def test_marks_stand_outermost_first_and_once_and_too_many_are_left_out_but_no_link() -> None:
    assert marks_of("<b>x<i>y<b>z</b></i></b>") == [("b",), ("b", "i")]
    assert marks_of("<a href='https://example.org/'>x<a>y</a></a>") == [("a",), ()]
    assert marks_of("<span>x</span><time datetime='2026'>y</time><abbr>z</abbr>") == [()]
    assert marks_of("<kbd>x</kbd>") == [("code",)]
    assert marks_of("<pre><code>y</code></pre>") == [()]
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
    arabic = Mark(tag="span", attrs=LanguageAttrs(language="ar", direction="rtl"))
    assert text.runs[0].marks == (Mark(tag="a", href="https://example.org/"), arabic)


def test_text_between_items_is_kept_and_empty_items_count_in_numbered_lists_only() -> None:
    listing = only("<ol start='0'>one<li>two</li><li></li><ol><li>four</li></ol></ol>")
    assert isinstance(listing, ListBlock)
    assert listing.start == 0
    assert [passages_of(item) for item in listing.items] == [["one"], ["two"], ["four"]]
    assert isinstance(listing.items[2].blocks[0], ListBlock)
    source = "<li>a</li><li> </li><li>b</li>"
    numbered, other = only(f"<ol>{source}</ol>"), only(f"<ul>{source}</ul>")
    assert isinstance(numbered, ListBlock)
    assert isinstance(other, ListBlock)
    assert (len(numbered.items), len(other.items)) == (3, 2)


def passages_of(item: ListItem) -> list[str]:
    return [text.words for text in text_blocks(item.blocks)]


def test_a_caption_is_a_block_beside_its_table() -> None:
    source = (
        "<table><caption>first</caption><tr><td>a</td><td>b</td></tr>"
        "<caption>second</caption><tr><td>c</td><td></td></tr></table>"
    )
    kinds = [type(block) for block in blocks(source)]
    # One cell with words is no table.
    assert kinds == [TextBlock, TableBlock, TextBlock, TextBlock]
    assert read(source).passages == ("first", "a", "b", "second", "c")


def test_cells_outside_of_tables_or_alone_in_one_are_plain_text() -> None:
    source = "<table><tr><td><h2>a</h2><p>b</p></td></tr></table>"
    assert [type(block) for block in blocks(source)] == [TextBlock, TextBlock]
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
    shown = [(run.text, bool(run.picture)) for run in text.runs]
    assert shown == [("a", False), ("", True), ("b", False)]
    picture = Picture(src="https://news.example.org/m/y.png", alt="y", width=90, height=90)
    assert large == Figure(picture=picture, href="https://news.example.org/en/")
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


# White space is collapsed over a whole text, across the marks in it.


BOLD = (Mark(tag="b"),)
LINK = (Mark(tag="a", href="https://example.org/"),)


def folded(*texts: str, verbatim: bool = False) -> list[str]:
    marked = [TextRun(text=text, marks=BOLD * (n % 2)) for n, text in enumerate(texts)]
    return [run.text for run in fold_whitespace(marked, verbatim=verbatim)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("  a  ", "b", " \n c  "), ["a ", "b", " c"]),
        (("a", " b"), ["a", " b"]),
        (("a ", " b"), ["a ", "b"]),
        (("a\x0b", " \x0b b"), ["a\n\n", "b"]),
        (("\x0b a", "b \x0b"), ["a", "b"]),
        (("字\n", "字 ", "\nx"), ["字", "字 ", "x"]),
        (("字", "\n", "字"), ["字字"]),
        (("한국", "\n어"), ["한국", " 어"]),
        (("a\u00a0 ", "b"), ["a\u00a0 ", "b"]),
    ],
)
def test_spaces_fold_across_runs(texts: tuple[str, ...], expected: list[str]) -> None:
    assert folded(*texts) == expected


def test_marks_move_to_their_letters_runs_become_one_and_verbatim_text_loses_only_empty_lines() -> (
    None
):
    assert folded("\n\n  a", "  \n\n\tb\n", "\n", verbatim=True) == ["  a", "  \n\n\tb"]
    assert folded("a\x0b  b", verbatim=True) == ["a\n  b"]
    assert folded("e", "\u0301f") == ["é", "f"]
    assert folded("ᄀ", "", "\u1161", "x") == ["가", "x"]
    linked = [TextRun(text=text, marks=LINK) for text in "ab"]
    runs = fold_whitespace(linked, verbatim=False)
    assert runs == (TextRun(text="ab", marks=LINK),)


def test_a_space_alone_is_no_link() -> None:
    runs = [TextRun(text="a"), TextRun(text="\u00a0", marks=LINK), TextRun(text="b")]
    assert fold_whitespace(runs, verbatim=False) == (TextRun(text="a\u00a0b"),)
    texts = (("a", LINK), (" ", LINK + BOLD), ("b", LINK))
    inside = [TextRun(text=text, marks=marks) for text, marks in texts]
    assert fold_whitespace(inside, verbatim=False) == (TextRun(text="a b", marks=LINK),)


@given(st.lists(st.text(alphabet="ab \n\t字e\u0301\u00a0\u3000，\x0b", max_size=6), max_size=5))
def test_folded_runs_have_the_articles_plain_text(texts: list[str]) -> None:
    html = "".join(f"<b>{t}</b>" if n % 2 else t for n, t in enumerate(texts))
    html = f"<p>{html}</p>".replace("\x0b", "<br>")
    found = "".join(folded(*texts)) if texts else ""
    assert (found if found.strip() else "") == parse_content(html).text
    assert not re.search("  |^ | $", found.replace("\n", ""))


PAGE = "https://example.org/en/stories/pier/"


def test_links_inside_an_article_lead_to_its_page_and_code_that_shows_an_id_is_none() -> None:
    html = '<h2 id="tide" lang="en">The tide</h2><p><a href="#tide">see</a> <a href="https://x.example/#tide">that</a></p>'
    assert link_anchors(html, PAGE) == (
        f'<h2 lang="en">The tide</h2><p><a href="{PAGE}#tide">see</a>'
        ' <a href="https://x.example/#tide">that</a></p>'
    )
    html = '<pre><code>&lt;a id="x" href="#y"&gt;</code></pre><p id="z" title="a > b">t</p>'
    assert link_anchors(html, PAGE) == html.replace(' id="z"', "")


def test_links_back_from_footnotes_are_arrows_and_on_the_own_page_only() -> None:
    html = '<ol><li id="fn1"><p>A note. <a href="#fnref1">↩︎</a></p></li></ol>'
    assert link_anchors(html, PAGE) == "<ol><li><p>A note.</p></li></ol>"
    assert parse_content(html).text == "A note."
    assert is_back_arrow(" ↩︎ ")
    assert not is_back_arrow("↩ back")


LONG = "Word " + "word " * 45


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("One is here. Two is here.", "en", "One is here. Two is here."),
        (f"First one. {LONG}end.", "en", "First one."),
        ("Heading\n\nA sentence.\n\nTable\tcell", "en", "A sentence."),
        ("Heading only", "en", "Heading only"),
        ("", "en", ""),
        ("He said “Stop.” Then he left. " + LONG, "en", "He said “Stop.” Then he left."),
        ("On Sept. 19, 2005 it was so. " + LONG, "en", "On Sept. 19, 2005 it was so."),
        ("It is, i.e. Big, fine. " + LONG, "en", "It is, i.e. Big, fine."),
        ("Mr. J. Doe of the U.S. spoke. " + LONG, "en", "Mr. J. Doe of the U.S. spoke."),
        ("Am 10. April war es so. " + LONG, "de", "Am 10. April war es so."),
        ("About 3.5 points... and more. " + LONG, "en", "About 3.5 points... and more."),
        ("Really? Yes! " + LONG, "en", "Really? Yes!"),
        ("هل هذا صحيح؟ نعم. " + LONG, "ar", "هل هذا صحيح؟ نعم."),
        ("他说：“走吧。”他走了。" + "长" * 120, "zh-Hans", "他说：“走吧。”他走了。"),
        ("「好。」（完。）" + "長" * 120, "zh-Hant", "「好。」（完。）"),
        ("这样……然后。" + "长" * 120, "zh-Hans", "这样……然后。"),
        ("今日は。明日も。" + "長" * 120, "ja", "今日は。明日も。"),
        ("字" * 130, "zh-Hans", "字" * 120 + "…"),
        ("字" * 100 + "，" + "字" * 50 + "。", "zh-Hans", "字" * 100 + "…"),
        ("w " * 50, "en", "w " * 39 + "w…"),
        ("w " * 30 + "w, " + "w " * 50 + ".", "en", "w " * 30 + "w…"),
    ],
)
def test_excerpts(text: str, language: str, expected: str) -> None:
    assert make_excerpt(text, language) == expected


@pytest.mark.parametrize(
    "text", ["J. K. " * 10_000, "Mr. " * 15_000, "." * 60_000 + "x", "!." * 30_000 + "x"]
)
def test_a_long_text_takes_no_longer_for_each_of_its_stops(text: str) -> None:
    with at_most(5):
        found = list(split_sentences(text))
    assert len(found) <= 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Really…! Yes. ", ["Really…! ", "Yes. "]),
        ("走……! A.", ["走……", "! ", "A. "]),
        ("Oh .!” x ？！. Y", ["Oh .!” x ？", "！", ". "]),
        ("a... Me. Z", ["a... ", "Me. "]),
    ],
)
def test_runs_of_stops_end_one_sentence(text: str, found: list[str]) -> None:
    assert list(split_sentences(text)) == found


@given(st.text(alphabet="ab .!?“”\n,中。；", max_size=400), st.sampled_from(["en", "zh-Hans"]))
def test_an_excerpt_is_one_short_line(text: str, language: str) -> None:
    result = make_excerpt(text, language)
    assert "\n" not in result
    assert result == result.strip()
    if language == "en":
        assert len(result.split()) <= EXCERPT_WORDS
    else:
        assert len(result) <= EXCERPT_CHARACTERS + 1
