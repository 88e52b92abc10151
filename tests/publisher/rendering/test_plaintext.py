"""Wrapping by display width, for every script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.rendering.plaintext import (
    CHARACTERS_A_COLUMN,
    COLUMNS,
    DEEPEST,
    FIRST_STRONG_ISOLATE,
    NO_END,
    NO_START_WIDE,
    POP_ISOLATE,
    flow,
    is_balanced,
    isolate,
    one_line,
    shorten,
    width,
    wrap,
)
from publisher.rendering.tokens import (
    PREFERENCES,
    READER_ADDRESS,
    READER_LANGUAGE,
    READER_NAME,
    READER_TIMEZONE,
    UNSUBSCRIBE,
    Slot,
    slots,
)

CHINESE = (
    "渡輪總是準點開船，不管水勢如何；後來（據說）「一位引航員」開始記錄《河流》的脾氣。" * 8
)
URL = "https://news.example.org/" + "a-very-long-path/" * 8


def test_latin_breaks_between_words() -> None:
    assert wrap("one two three four", 9) == ["one two", "three", "four"]


def test_wide_characters_count_two_columns() -> None:
    lines = wrap("河" * 100)
    assert [width(line) for line in lines] == [76, 76, 48]


def test_no_line_starts_with_closing_or_ends_with_opening_punctuation() -> None:
    for columns in range(10, 40):
        for line in wrap(CHINESE, columns):
            assert line[0] not in NO_START_WIDE
            assert line[-1] not in NO_END
            assert width(line) <= columns
        assert "".join(wrap(CHINESE, columns)) == CHINESE


def test_a_stray_space_before_a_full_stop_does_not_bring_it_to_the_start_of_a_line() -> None:
    assert wrap("河流 。", 5) == ["河", "流 。"]


def test_a_url_is_whole_even_if_it_is_too_long() -> None:
    assert wrap(URL) == [URL]
    assert wrap(f"見{URL} 河流") == ["見", URL, "河流"]
    assert URL in wrap(f"Read all of it at {URL} today")
    assert wrap(f"  {URL}") == [f"  {URL}"]


@pytest.mark.parametrize(
    "text", ["https://www.ex.kr에서는", "https://xy.de/straße", "vgl.https://xy.de/ü#ö"]
)
def test_a_url_and_the_letters_that_cling_to_it_are_not_parted(text: str) -> None:
    assert wrap(f"한국어 {text} 문장", 12) == ["한국어", text, "문장"]


def test_no_line_begins_with_a_mark_of_the_one_before() -> None:
    assert wrap("字字\u0301字", 4) == ["字字\u0301", "字"]


def test_a_word_without_end_is_cut_but_never_before_a_combining_mark() -> None:
    lines = wrap("กำ้" * 60, 20)
    assert all(width(line) <= 20 for line in lines)
    assert "".join(lines) == "กำ้" * 60
    assert all(width(line[0]) > 0 for line in lines)


def test_korean_breaks_between_words() -> None:
    assert wrap("한국어 문장 하나", 8) == ["한국어", "문장", "하나"]


def test_an_indent_is_repeated() -> None:
    assert wrap("    one two three", 12) == ["    one two", "    three"]


def test_an_isolate_that_a_break_would_cut_is_closed_and_opened_again() -> None:
    lines = wrap(f"x {isolate('one two three')} y", 9)
    assert lines == [
        f"x {FIRST_STRONG_ISOLATE}one two{POP_ISOLATE}",
        f"{FIRST_STRONG_ISOLATE}three{POP_ISOLATE} y",
    ]
    assert wrap(f"a{POP_ISOLATE} b", 1) == ["a", "b"]


@pytest.mark.parametrize(
    ("opener", "closer"),
    [(sign, POP_ISOLATE) for sign in "\u2066\u2067\u2068"]
    + [(sign, "\u202c") for sign in "\u202a\u202b\u202d\u202e"],
)
def test_whatever_turns_a_line_ends_with_it_and_begins_again(opener: str, closer: str) -> None:
    assert wrap(f"x {opener}one two{closer} y", 5) == [
        f"x {opener}one{closer}",
        f"{opener}two{closer} y",
    ]
    assert wrap(f"a {opener}b") == [f"a {opener}b{closer}"]
    assert wrap(f"a{closer}  b") == ["a  b"]


def test_stretches_are_closed_from_the_inside() -> None:
    assert wrap("\u2067a \u202bb c\u2069 d\u202c", 3) == [
        "\u2067a \u202bb\u202c\u2069",
        "\u2067\u202bc\u202c\u2069 d",
    ]
    assert wrap("\u202ba\u2067b\u202cc") == ["\u202ba\u2067bc\u2069\u202c"]


@given(st.text(alphabet="ab 字\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202e", max_size=80))
def test_every_line_is_balanced(text: str) -> None:
    lines = wrap(text, 6)
    assert all(map(is_balanced, lines))
    assert bare("".join(lines)) == bare(text)


def test_stretches_deeper_than_any_are_taken_out() -> None:
    lines = wrap("\u202e" * 1000 + "a b" + "\u202c" * 1000 + " c", 1)
    inside = "\u202e" * DEEPEST
    assert lines == [f"{inside}{letter}{chr(0x202C) * DEEPEST}" for letter in "ab"] + ["c"]


def bare(text: str) -> str:
    return "".join(one_line(text).split())


def test_blank_lines_are_kept_one_at_a_time() -> None:
    assert flow("\n\na\n\n\n\nb  \n\n") == "a\n\nb\n"


def test_one_line_has_no_controls_and_keeps_joiners() -> None:
    assert one_line(" a\r\n\tb\u202e\u200e\x07 c\u2068d\u2069 ") == "a b cd"
    assert one_line("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬"


@pytest.mark.parametrize(
    ("text", "columns", "short"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("one, two", 6, "one…"),
        ("河流與潮水的故事", 9, "河流與潮…"),
        ("河流，與潮水", 7, "河流…"),
        ("abcdefghij", 5, "abcd…"),
    ],
)
def test_a_text_is_shortened_between_words(text: str, columns: int, short: str) -> None:
    assert shorten(text, columns) == short


@given(st.text(alphabet="ab河，。（）「」 \u3000é한1.,", max_size=120), st.integers(8, 40))
def test_wrapping_loses_nothing_but_spaces(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width(line) <= columns for line in lines)


@given(st.text(max_size=200))
def test_any_text_flows_into_its_columns(text: str) -> None:
    for line in flow(one_line(text)).splitlines():
        assert width(line) <= COLUMNS or "://" in line


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0301" * 40_000, "\u0301" * 40_000, "👩\u200d" * 20_000, "ab" + "\u20dd" * 40_000],
)
def test_marks_without_end_are_not_one_column(text: str) -> None:
    assert len(shorten(text, 20)) <= 20 * CHARACTERS_A_COLUMN
    assert shorten(text, 20).endswith("…")


def test_a_text_of_too_many_characters_is_cut_before_a_whole_letter() -> None:
    many = "a\u0301\u0302\u0303" + "b" + "\u0301" * 100
    assert shorten(many, 4) == "a\u0301\u0302\u0303…"
    family = "👨\u200d👩\u200d👧\u200d👦"
    assert shorten(family * 2, 4) == family * 2
    assert shorten("x" + family + "y" + "\u0301" * 40, 5) == f"x{family}…"


@given(st.text(max_size=200), st.integers(4, 80))
def test_a_shortened_text_fits(text: str, columns: int) -> None:
    assert len(shorten(text, columns)) <= CHARACTERS_A_COLUMN * columns
    assert width(shorten(text, columns)) <= columns or "://" in text


# Readers' own values

LONG_WORDS = str(Slot(READER_NAME, "dear reader of ours, wherever you may be"))


@pytest.mark.parametrize(
    ("place", "columns"),
    [
        (READER_NAME, 20),
        (str(Slot(READER_NAME, "you")), 20),
        (str(Slot(READER_NAME, "灯" * 30)), 60),
        (READER_ADDRESS, 36),
        (READER_LANGUAGE, 7),
        (READER_TIMEZONE, 20),
        (UNSUBSCRIBE, len(UNSUBSCRIBE)),
    ],
)
def test_there_is_room_for_what_will_stand_in_a_place(place: str, columns: int) -> None:
    assert width(place) == columns
    assert width(f"字{place}.") == columns + 3


@pytest.mark.parametrize("place", [READER_NAME, LONG_WORDS, READER_ADDRESS, PREFERENCES])
@pytest.mark.parametrize(
    "around", ["Dear {}, good morning", "字{}字", "{0}{0}{0}{0}", "x" * 70 + "{}"]
)
def test_a_place_is_never_cut_by_a_line_or_a_length(place: str, around: str) -> None:
    text = around.format(place)
    whole = [*slots(text)]
    for columns in range(4, 80):
        lines = wrap(text, columns)
        assert [slot for line in lines for slot in slots(line)] == whole
        kept = shorten(text, columns)
        assert [*slots(kept)] == whole[: len([*slots(kept)])]
        assert "@@" not in "".join(kept.split(str(whole[0])))
