"""Wrapping by display width, for every script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.languages.locales import (
    _MAX_BIDI_DEPTH,
    FIRST_STRONG_ISOLATE,
    POP_ISOLATE,
    is_balanced,
)
from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering.placeholders import (
    ADDRESS_PLACEHOLDER,
    LANGUAGE_PLACEHOLDER,
    NAME_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    TIMEZONE_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
    Placeholder,
    find_placeholders,
)
from publisher.rendering.plaintext import (
    _NO_LINE_END,
    _NO_LINE_START_WIDE,
    MAX_CHARACTERS_PER_COLUMN,
    display_width,
    isolate,
    shorten_to_columns,
    to_one_line,
    wrap_line,
    wrap_text,
)

CHINESE = (
    "渡輪總是準點開船，不管水勢如何；後來（據說）「一位引航員」開始記錄《河流》的脾氣。" * 8
)
URL = "https://news.example.org/" + "a-very-long-path/" * 8


def test_lines_break_between_words_and_an_indent_is_repeated() -> None:
    assert wrap_line("one two three four", 9) == ["one two", "three", "four"]
    assert wrap_line("한국어 문장 하나", 8) == ["한국어", "문장", "하나"]
    assert wrap_line("    one two three", 12) == ["    one two", "    three"]


def test_wide_characters_count_two_columns_and_endless_words_are_cut_between_letters() -> None:
    lines = wrap_line("河" * 100)
    assert [display_width(line) for line in lines] == [76, 76, 48]
    lines = wrap_line("กำ้" * 60, 20)
    assert all(display_width(line) <= 20 for line in lines)
    assert "".join(lines) == "กำ้" * 60
    assert all(display_width(line[0]) > 0 for line in lines)


def test_no_line_starts_with_closing_or_ends_with_opening_punctuation() -> None:
    for columns in range(10, 40):
        for line in wrap_line(CHINESE, columns):
            assert line[0] not in _NO_LINE_START_WIDE
            assert line[-1] not in _NO_LINE_END
            assert display_width(line) <= columns
        assert "".join(wrap_line(CHINESE, columns)) == CHINESE


def test_no_line_begins_with_a_mark_or_a_full_stop_of_the_one_before() -> None:
    assert wrap_line("河流 。", 5) == ["河", "流 。"]
    assert wrap_line("字字\u0301字", 4) == ["字字\u0301", "字"]


def test_a_url_is_whole_even_if_it_is_too_long() -> None:
    assert wrap_line(URL) == [URL]
    assert wrap_line(f"見{URL} 河流") == ["見", URL, "河流"]
    assert URL in wrap_line(f"Read all of it at {URL} today")
    assert wrap_line(f"  {URL}") == [f"  {URL}"]


@pytest.mark.parametrize(
    "text", ["https://www.ex.kr에서는", "https://xy.de/straße", "vgl.https://xy.de/ü#ö"]
)
def test_a_url_and_the_letters_that_cling_to_it_are_not_parted(text: str) -> None:
    assert wrap_line(f"한국어 {text} 문장", 12) == ["한국어", text, "문장"]


def test_an_isolate_that_a_break_would_cut_is_closed_and_opened_again() -> None:
    lines = wrap_line(f"x {isolate('one two three')} y", 9)
    assert lines == [
        f"x {FIRST_STRONG_ISOLATE}one two{POP_ISOLATE}",
        f"{FIRST_STRONG_ISOLATE}three{POP_ISOLATE} y",
    ]
    assert wrap_line(f"a{POP_ISOLATE} b", 1) == ["a", "b"]


def test_lines_that_run_from_the_right_are_isolated_for_viewers_that_begin_at_the_left() -> (
    None
):
    text = f"9 يناير: نهر\n  ثان {isolate('b')}\n{isolate('b')}\n* * *\n\nانظر {URL}\n{URL}\n"
    wrapped = wrap_text(text, "ar")
    assert wrapped == (
        f"\u20679 يناير: نهر\u2069\n  \u2067ثان {isolate('b')}\u2069\n{isolate('b')}\n* * *\n\n"
        f"\u2067انظر\u2069\n{URL}\n{URL}\n"
    )
    assert wrap_text(wrapped, "ar") == wrapped
    assert wrap_text(f"انظر 9 {URL[:30]}\n", "ar") == f"\u2067انظر 9\u2069 {URL[:30]}\n"


@pytest.mark.parametrize(
    ("opener", "closer"),
    [(sign, POP_ISOLATE) for sign in "\u2066\u2067\u2068"]
    + [(sign, "\u202c") for sign in "\u202a\u202b\u202d\u202e"],
)
def test_whatever_turns_a_line_ends_with_it_and_begins_again(opener: str, closer: str) -> None:
    assert wrap_line(f"x {opener}one two{closer} y", 5) == [
        f"x {opener}one{closer}",
        f"{opener}two{closer} y",
    ]
    assert wrap_line(f"a {opener}b") == [f"a {opener}b{closer}"]
    assert wrap_line(f"a{closer}  b") == ["a  b"]


def test_stretches_are_closed_from_the_inside_and_those_too_deep_are_taken_out() -> None:
    assert wrap_line("\u2067a \u202bb c\u2069 d\u202c", 3) == [
        "\u2067a \u202bb\u202c\u2069",
        "\u2067\u202bc\u202c\u2069 d",
    ]
    assert wrap_line("\u202ba\u2067b\u202cc") == ["\u202ba\u2067bc\u2069\u202c"]
    lines = wrap_line("\u202e" * 1000 + "a b" + "\u202c" * 1000 + " c", 1)
    inside = "\u202e" * _MAX_BIDI_DEPTH
    assert lines == [f"{inside}{letter}{chr(0x202C) * _MAX_BIDI_DEPTH}" for letter in "ab"] + [
        "c"
    ]


@given(st.text(alphabet="ab 字\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202e", max_size=80))
def test_every_line_is_balanced(text: str) -> None:
    lines = wrap_line(text, 6)
    assert all(map(is_balanced, lines))
    assert bare("".join(lines)) == bare(text)


def bare(text: str) -> str:
    return "".join(to_one_line(text).split())


def test_blank_lines_are_kept_one_at_a_time_and_one_line_has_no_controls_but_joiners() -> None:
    assert wrap_text("\n\na\n\n\n\nb  \n\n") == "a\n\nb\n"
    assert to_one_line(" a\r\n\tb\u202e\u200e\x07 c\u2068d\u2069 ") == "a b cd"
    assert to_one_line("می\u200cخواهم 👩\u200d🔬") == "می\u200cخواهم 👩\u200d🔬"


@pytest.mark.parametrize(
    ("text", "columns", "short"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("one, two", 6, "one…"),
        ("河流與潮水的故事", 9, "河流與潮…"),
        ("河流，與潮水", 7, "河流…"),
        ("نهر، ومدّ", 6, "نهر…"),
        ("abcdefghij", 5, "abcd…"),
    ],
)
def test_a_text_is_shortened_between_words(text: str, columns: int, short: str) -> None:
    assert shorten_to_columns(text, columns) == short


@given(st.text(alphabet="ab河，。（）「」 \u3000é한1.,", max_size=120), st.integers(8, 40))
def test_wrapping_loses_nothing_but_spaces(text: str, columns: int) -> None:
    lines = wrap_line(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(display_width(line) <= columns for line in lines)


@given(st.text(max_size=200))
def test_any_text_flows_into_its_columns(text: str) -> None:
    for line in wrap_text(to_one_line(text)).splitlines():
        assert display_width(line) <= MAX_TEXT_COLUMNS or "://" in line


@pytest.mark.parametrize(
    "text",
    ["a" + "\u0301" * 40_000, "\u0301" * 40_000, "👩\u200d" * 20_000, "ab" + "\u20dd" * 40_000],
)
def test_marks_without_end_are_not_one_column(text: str) -> None:
    assert len(shorten_to_columns(text, 20)) <= 20 * MAX_CHARACTERS_PER_COLUMN
    assert shorten_to_columns(text, 20).endswith("…")


def test_a_text_of_too_many_characters_is_cut_before_a_whole_letter() -> None:
    many = "a\u0301\u0302\u0303" + "b" + "\u0301" * 100
    assert shorten_to_columns(many, 4) == "a\u0301\u0302\u0303…"
    family = "👨\u200d👩\u200d👧\u200d👦"
    assert shorten_to_columns(family * 2, 4) == family * 2
    assert shorten_to_columns("x" + family + "y" + "\u0301" * 40, 5) == f"x{family}…"


@given(st.text(max_size=200), st.integers(4, 80))
def test_a_shortened_text_fits(text: str, columns: int) -> None:
    assert len(shorten_to_columns(text, columns)) <= MAX_CHARACTERS_PER_COLUMN * columns
    assert display_width(shorten_to_columns(text, columns)) <= columns or "://" in text


# Readers' own values

LONG_WORDS = str(Placeholder(NAME_PLACEHOLDER, "dear reader of ours, wherever you may be"))


@pytest.mark.parametrize(
    ("place", "columns"),
    [
        (NAME_PLACEHOLDER, 20),
        (str(Placeholder(NAME_PLACEHOLDER, "you")), 20),
        (str(Placeholder(NAME_PLACEHOLDER, "灯" * 30)), 60),
        (ADDRESS_PLACEHOLDER, 36),
        (LANGUAGE_PLACEHOLDER, 7),
        (TIMEZONE_PLACEHOLDER, 20),
        (UNSUBSCRIBE_PLACEHOLDER, len(UNSUBSCRIBE_PLACEHOLDER)),
    ],
)
def test_there_is_room_for_what_will_stand_in_a_place(place: str, columns: int) -> None:
    assert display_width(place) == columns
    assert display_width(f"字{place}.") == columns + 3


@pytest.mark.parametrize(
    "place", [NAME_PLACEHOLDER, LONG_WORDS, ADDRESS_PLACEHOLDER, PREFERENCES_PLACEHOLDER]
)
@pytest.mark.parametrize(
    "around", ["Dear {}, good morning", "字{}字", "{0}{0}{0}{0}", "x" * 70 + "{}"]
)
def test_a_place_is_never_cut_by_a_line_or_a_length(place: str, around: str) -> None:
    text = around.format(place)
    whole = [*find_placeholders(text)]
    for columns in range(4, 80):
        lines = wrap_line(text, columns)
        assert [slot for line in lines for slot in find_placeholders(line)] == whole
        kept = shorten_to_columns(text, columns)
        assert [*find_placeholders(kept)] == whole[: len([*find_placeholders(kept)])]
        assert "@@" not in "".join(kept.split(str(whole[0])))
