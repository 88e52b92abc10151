"""What a mail's text says in particular; whole documents are in test_documents."""

from __future__ import annotations

import pytest
from hypothesis import given

from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering.plaintext import display_width, wrap_text
from tests.publisher.rendering.prose.helpers import FRAGMENTS, in_text

LONG = "word " * 40


def test_later_lines_stand_below_the_first_words_of_an_item() -> None:
    text = in_text(f"<ul><li>{LONG}</li></ul><ol start='9'><li>{LONG}</li><li>x</li></ol>")
    starts = [line[:6] for line in text.splitlines()]
    assert starts == ["- word", "  word", "  word", "", "9. wor", "   wor", "   wor", "10. x"]


def test_quotations_are_indented_on_every_line() -> None:
    lines = in_text(f"<blockquote><p>{LONG}</p><p>x</p></blockquote>").splitlines()
    assert all(line.startswith("  ") for line in lines if line)


def test_code_keeps_its_spaces_through_the_mails_last_wrapping() -> None:
    code = "a  =  1\n\n    if  a:\n        b()"
    assert wrap_text(in_text(f"<pre>{code}</pre>")) == f"{code}\n"


def test_a_line_of_code_is_only_wrapped_if_it_is_too_long() -> None:
    fits, long = "x  " * 25, "    " + "y " * 50
    lines = in_text(f"<pre>{fits}\n{long}\n{' ' * 90}z</pre>").splitlines()
    assert lines[0] == fits.rstrip()
    assert lines[1].startswith("    y")
    assert lines[2].startswith("    y")
    assert lines[3] == " " * (MAX_TEXT_COLUMNS // 2) + "z"


def test_deep_lists_leave_room_for_words() -> None:
    text = in_text("<ul><li>" * 10 + LONG + "</li></ul>" * 10)
    assert all(len(line.strip()) > 10 for line in text.splitlines() if line)


def test_short_lists_are_close_and_others_are_not() -> None:
    assert in_text("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>") == "- a\n- b\n  - c"
    assert in_text("<ul><li>a</li><li><p>b</p><p>c</p></li></ul>") == "- a\n\n- b\n\n  c"


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
