"""The beginning of an article ends where something ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.blocks import (
    ArticleContent,
    HorizontalRule,
    TextBlock,
    TextKind,
)
from publisher.rendering.prose import content_opening, mail_html
from tests.publisher.rendering.prose.helpers import BASE, FRAGMENTS, bare, read

LONG = "A sentence of some length, for once. "


def opened(source: str, limit: int) -> tuple[tuple[str, ...], bool]:
    taken, cut = content_opening(read(source), limit)
    return taken.passages, cut


def test_whole_blocks_are_taken_while_they_fit() -> None:
    source = "<p>12345</p><ul><li>123</li><li>45</li></ul><p>1</p>"
    assert opened(source, 10) == (("12345", "123", "45"), True)
    assert opened(source, 9) == (("12345",), True)
    assert opened(source, 11) == (("12345", "123", "45", "1"), False)


def test_an_article_that_fits_is_left_as_it_is() -> None:
    prose = read("<p>Words:</p><hr><h2>A heading at the end</h2>")
    assert content_opening(prose, 100) == (prose, False)
    assert content_opening(ArticleContent(blocks=()), 0) == (ArticleContent(blocks=()), False)


def test_a_long_first_paragraph_gives_whole_sentences() -> None:
    source = f"<p>One is <b>here. Two</b> is <i>too. {LONG}</i></p><p>x</p>"
    taken, cut = content_opening(read(source), 30)
    assert cut
    assert taken.passages == ("One is here. Two is too.",)
    mail = mail_html(taken, language="en", base_url=BASE)
    assert "One is <b>here. Two</b> is <i>too.</i></p>" in mail
    assert opened(f"<p>One <b>is here.</b> <i>{LONG}</i></p>", 12) == (("One is here.",), True)


@pytest.mark.parametrize(
    ("source", "limit", "expected"),
    [
        ("<p>他说：“走吧。”他走了。" + "长" * 90 + "。</p>", 20, ("他说：“走吧。”他走了。",)),
        ("<p>هل هذا صحيح؟ نعم. " + "كلمة " * 30 + ".</p>", 30, ("هل هذا صحيح؟ نعم.",)),
        (
            "<p>Mr. J. Doe of the U.S. spoke. " + LONG * 3 + "</p>",
            40,
            ("Mr. J. Doe of the U.S. spoke.",),
        ),
    ],
)
def test_sentences_end_as_their_language_ends_them(
    source: str, limit: int, expected: tuple[str, ...]
) -> None:
    assert opened(source, limit) == (expected, True)


@pytest.mark.parametrize(
    "source",
    [
        f"<p>{LONG}</p>",
        "<p>no end of a sentence here, however long it is</p>",
        f"<pre>{LONG}{LONG}</pre>",
        "<table><tr><td>One. Two.</td><td>Three. Four.</td></tr></table>",
    ],
)
def test_nothing_is_taken_where_nothing_whole_fits(source: str) -> None:
    assert opened(source, 20) == ((), True)


def test_no_heading_term_or_rule_is_left_at_the_end() -> None:
    for last in (
        "<h2>Heading</h2>",
        "<dl><dt>Term</dt></dl>",
        "<hr>",
        "<hr><h2>a</h2><h3>b</h3>",
    ):
        assert opened(f"<p>Words.</p>{last}<p>{LONG}</p>", 20) == (("Words.",), True)
    assert opened(f"<h2>Heading</h2><p>{LONG}</p>", 20) == ((), True)


def test_a_heading_stays_over_the_sentences_that_are_taken() -> None:
    assert opened(f"<h2>Heading</h2><p>One. {LONG}</p>", 20) == (("Heading", "One."), True)


def test_an_opening_does_not_end_on_words_that_announce_a_list() -> None:
    items = "".join(f"<li>{LONG}</li>" for _ in range(3))
    assert opened(f"<p>Words.</p><p>These:</p><ul>{items}</ul>", 20) == (("Words.",), True)
    assert opened(f"<p>这些：</p><p>{LONG}</p>", 20) == (("这些：",), True)


def test_as_many_announced_list_items_are_taken_as_fit() -> None:
    source = "<p>These:</p><ul><li>one</li><li>two</li><li>three</li></ul>"
    assert opened(source, 13) == (("These:", "one", "two"), True)


def test_a_long_quotation_gives_its_beginning() -> None:
    source = f"<blockquote><p>One.</p><p>{LONG}</p></blockquote><p>x</p>"
    assert opened(source, 20) == (("One.",), True)
    assert opened(f"<blockquote><p>{LONG}</p></blockquote>", 20) == ((), True)


@given(FRAGMENTS, st.integers(0, 200))
def test_an_opening_is_a_beginning(source: str, limit: int) -> None:
    prose = read(source)
    taken, cut = content_opening(prose, limit)
    said = "".join(taken.passages)
    assert len(said) <= limit
    assert bare("".join(prose.passages)).startswith(bare(said))
    assert cut == (taken != prose)
    if cut and taken.blocks:
        last = taken.blocks[-1]
        assert not isinstance(last, HorizontalRule)
        assert not (
            isinstance(last, TextBlock) and last.kind in {TextKind.HEADING, TextKind.TERM}
        )
