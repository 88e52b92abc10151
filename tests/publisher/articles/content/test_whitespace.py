"""White space is collapsed over a whole text, across the marks in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.blocks import Mark, TextRun
from publisher.articles.content.characters import fold_whitespace
from publisher.articles.content.parser import parse_content

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


def test_verbatim_text_loses_only_empty_lines_at_its_edges() -> None:
    assert folded("\n\n  a", "  \n\n\tb\n", "\n", verbatim=True) == ["  a", "  \n\n\tb"]
    assert folded("a\x0b  b", verbatim=True) == ["a\n  b"]


def test_a_combining_mark_moves_to_its_letter() -> None:
    assert folded("e", "\u0301f") == ["é", "f"]
    assert folded("ᄀ", "", "\u1161", "x") == ["가", "x"]


def test_runs_under_the_same_marks_become_one() -> None:
    runs = fold_whitespace(
        [TextRun(text="a", marks=LINK), TextRun(text="b", marks=LINK)], verbatim=False
    )
    assert runs == (TextRun(text="ab", marks=LINK),)


def test_a_space_alone_is_no_link() -> None:
    runs = [TextRun(text="a"), TextRun(text="\u00a0", marks=LINK), TextRun(text="b")]
    assert fold_whitespace(runs, verbatim=False) == (TextRun(text="a\u00a0b"),)
    inside = [
        TextRun(text="a", marks=LINK),
        TextRun(text=" ", marks=LINK + BOLD),
        TextRun(text="b", marks=LINK),
    ]
    assert fold_whitespace(inside, verbatim=False) == (TextRun(text="a b", marks=LINK),)


@given(st.lists(st.text(alphabet="ab \n\t字e\u0301\u00a0\u3000，\x0b", max_size=6), max_size=5))
def test_folded_runs_have_the_articles_plain_text(texts: list[str]) -> None:
    html = "".join(f"<b>{t}</b>" if n % 2 else t for n, t in enumerate(texts))
    html = f"<p>{html}</p>".replace("\x0b", "<br>")
    found = "".join(folded(*texts)) if texts else ""
    assert (found if found.strip() else "") == parse_content(html).text
    assert not re.search("  |^ | $", found.replace("\n", ""))
