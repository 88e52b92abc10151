from __future__ import annotations

from datetime import date

import pytest
from babel import Locale, localedata

from publisher.languages import (
    autonym,
    direction,
    format_date,
    list_names,
    locale_of,
    reading_minutes,
)

DAY = date(2017, 4, 10)
# Direction marks, embeddings and isolates (UAX 9), and the narrow no-break space.
MARKS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u202f")


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "April 10, 2017"),
        ("en-GB", "10 April 2017"),
        ("zh-Hans", "2017年4月10日"),
        ("zh-Hant", "2017年4月10日"),
        ("zh-Hant-HK", "2017年4月10日"),
        ("ja", "2017年4月10日"),
        ("ko", "2017년 4월 10일"),
        ("fr", "10 avril 2017"),
        ("de", "10. April 2017"),
        ("he", "10 באפריל 2017"),
        ("ar", "10 أبريل 2017"),
        ("ru", "10 апреля 2017\u00a0г."),
        ("tlh", "April 10, 2017"),
    ],
)
def test_dates_follow_the_language(tag: str, written: str) -> None:
    assert format_date(DAY, tag) == written


def test_dates_have_no_direction_marks_and_no_narrow_spaces() -> None:
    for name in localedata.locale_identifiers():
        text = format_date(DAY, name.replace("_", "-"))
        assert not MARKS.intersection(text), name


@pytest.mark.parametrize(
    ("tag", "side"),
    [
        *(("ar", "rtl"), ("he", "rtl"), ("fa", "rtl"), ("ur", "rtl"), ("dv", "rtl")),
        *(("en", "ltr"), ("zh-Hant", "ltr"), ("ru", "ltr"), ("ku", "ltr"), ("pa", "ltr")),
        *(("pa-Arab", "rtl"), ("ku-Arab", "rtl"), ("ar-Latn", "ltr")),
    ],
)
def test_direction_comes_from_the_script(tag: str, side: str) -> None:
    assert direction(tag) == side


def test_direction_agrees_with_babel() -> None:
    for name in localedata.locale_identifiers():
        tag = name.replace("_", "-")
        if len(tag) == 2:
            assert direction(tag) == Locale.parse(name).text_direction, tag


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "English"),
        ("zh-Hans", "简体中文"),
        ("zh-Hant", "繁體中文"),
        ("ar", "العربية"),
        ("fr", "français"),
        ("pt-BR", "português (Brasil)"),
    ],
)
def test_languages_have_their_own_names(tag: str, name: str) -> None:
    assert autonym(tag) == name


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        ("en", "en"),
        ("pt-BR", "pt_BR"),
        ("zh-Hans", "zh_Hans"),
        ("zh-Hant-HK", "zh_Hant_HK"),
        ("zh-Hans-XX", "zh_Hans"),
        ("en-x-foo", "en"),
        ("tlh", "en"),
    ],
)
def test_a_language_that_cldr_lacks_gets_its_parent_or_english(tag: str, locale: str) -> None:
    assert str(locale_of(tag)) == locale


@pytest.mark.parametrize(
    ("tag", "text"),
    [("en", "A, B, and C"), ("zh-Hans", "A、B和C"), ("ar", "A وB وC"), ("de", "A, B und C")],
)
def test_lists_follow_the_language(tag: str, text: str) -> None:
    assert list_names(["A", "B", "C"], tag) == text
    assert list_names(["A"], tag) == "A"
    assert list_names([], tag) == ""


def test_reading_time_counts_words_or_characters_and_is_at_least_one() -> None:
    assert reading_minutes("", "en") == reading_minutes("", "zh-Hans") == 1
    assert reading_minutes("word " * 238, "en") == 1
    assert reading_minutes("word " * 239, "en") == 2
    assert reading_minutes("word " * 932, "en") == 4
    assert reading_minutes("字 \n" * 370, "zh-Hant") == 1
    assert reading_minutes("字" * 371, "zh-Hant") == 2
    assert reading_minutes("字" * 371, "ja") == 1
