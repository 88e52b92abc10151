"""Languages: tags, locales, directions."""

from datetime import date

import langcodes
import pytest
from babel import Locale, localedata
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher import languages
from publisher.errors import LanguageError
from publisher.languages.locales import bidi_fault, character_name, own_digits, reading_time
from publisher.languages.tags import _SCRIPTS
from tests.sizes import at_night

SPELLINGS = [
    *(("en", "en"), ("EN-us", "en-US"), (" pt_br ", "pt-BR"), ("iw", "he"), ("in", "id")),
    *(("eng", "en"), ("zh", "zh-Hans"), ("chi", "zh-Hans"), ("zh-cmn", "zh-Hans")),
    *(("zh-cn", "zh-Hans"), ("zh_CN", "zh-Hans"), ("zh-Hans-CN", "zh-Hans")),
    *(("zh-hans", "zh-Hans"), ("zh-SG", "zh-Hans-SG"), ("zh_TW", "zh-Hant")),
    *(("zh-tw", "zh-Hant"), ("zh-cmn-hant", "zh-Hant"), ("zh-Hant-TW", "zh-Hant")),
    *(("zh-Hant-TW-x-foo", "zh-Hant"), ("zh-HK", "zh-Hant-HK"), ("zh-MO", "zh-Hant-MO")),
    *(("zh-Latn", "zh-Latn"), ("sr-latn", "sr-Latn"), ("en-x-foo", "en-x-foo")),
    *(("qu", "qu"), ("quc", "quc")),
]
NO_TAGS = [
    *("", " ", "xx", "e", "x-foo", "i-klingon", "root", "english", "klingon", "C", "POSIX"),
    *("zh_CN.UTF-8", "sr_RS@latin", "en-", "en--US", "日本", "\x00", "frr-foo-bar"),
    *("und", "und-Latn", "mul", "zxx", "mis"),
    *("qaa", "qtz", "QMZ", "qaa-Latn", "qbx-DE"),
]
ANYTHING = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[A-Za-z]{1,4}([-_][A-Za-z0-9]{1,8}){0,3}", fullmatch=True),
    st.sampled_from([spelling for spelling, _ in SPELLINGS]),
)


@pytest.mark.parametrize(("spelling", "tag"), SPELLINGS)
def test_usual_spellings_become_the_canonical_tag(spelling: str, tag: str) -> None:
    assert languages.normalise(spelling) == tag


@pytest.mark.parametrize("tag", sorted(_SCRIPTS))
def test_tags_that_need_no_registry_are_those_that_it_has(tag: str) -> None:
    assert langcodes.standardize_tag(tag) == tag
    assert languages.normalise(tag) == tag
    regions = [] if "-" in tag else [f"-{one}" for one in Locale("en").territories]
    for each in (tag, *(f"{tag}{region}" for region in regions)):
        assert (
            langcodes.Language.get(each).maximize().script
            == languages.script(each)
            == _SCRIPTS[tag]
        )


@pytest.mark.parametrize("text", NO_TAGS)
def test_tags_without_a_language_are_refused(text: str) -> None:
    with pytest.raises(LanguageError) as caught:
        languages.normalise(text)
    assert caught.value.tag == text
    assert repr(text) in str(caught.value)


@settings(deadline=None)
@given(ANYTHING)
def test_any_text_becomes_a_stable_tag_or_a_language_error(text: str) -> None:
    try:
        tag = languages.normalise(text)
    except LanguageError:
        return
    assert languages.normalise(tag) == tag
    assert languages.match(tag, [tag]) == tag
    assert len(languages.script(tag)) == 4


@settings(deadline=None)
@given(ANYTHING, st.lists(ANYTHING, max_size=4))
def test_a_match_is_in_the_same_language_and_script(text: str, others: list[str]) -> None:
    try:
        tag, choices = (
            languages.normalise(text),
            [languages.normalise(other) for other in others],
        )
    except LanguageError:
        return
    found = languages.match(tag, choices)
    assert found is None or found in choices
    if found:
        assert found.split("-")[0] == tag.split("-")[0]
        assert languages.script(found) == languages.script(tag)


SITE = ("en", "zh-Hans", "zh-Hant", "pt-BR", "sr-Cyrl", "ru", "es")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *(("en", "en"), ("en-GB", "en"), ("en-x-foo", "en"), ("en-GB-x-foo", "en")),
        *(("zh", "zh-Hans"), ("zh-SG", "zh-Hans"), ("zh-Hans-SG", "zh-Hans")),
        *(("zh-TW", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"), ("zh-Hant-MO", "zh-Hant")),
        *(("zh-HK", "zh-Hant"), ("pt", "pt-BR"), ("pt-PT", "pt-BR"), ("sr", "sr-Cyrl")),
        *(("sr-Latn", None), ("zh-Latn", None), ("uk", None), ("be", None), ("ca", None)),
        *(("nan", None), ("yue", None), ("ar", None)),
    ],
)
def test_matching_keeps_the_language_and_the_script(wanted: str, found: str | None) -> None:
    assert languages.match(wanted, SITE) == found


def test_the_nearest_variety_matches_but_never_the_other_chinese_script() -> None:
    assert languages.match("zh-Hans", ["zh-Hant", "zh-Hant-HK"]) is None
    assert languages.match("zh-Hant", ["zh-Hans", "zh-Hans-SG"]) is None
    assert languages.match("zh-Hant-HK", ["zh-Hans"]) is None
    assert languages.match("zh-Hant", ["zh-Hant-HK"]) == "zh-Hant-HK"
    assert languages.match("zh-Hant-HK", ["zh-Hant", "zh-Hant-HK"]) == "zh-Hant-HK"
    assert languages.match("en-GB", ["en-US", "en"]) == "en"
    assert languages.match("en-GB", ["en-US", "en-AU"]) == "en-US"
    assert languages.match("en", []) is None


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        *(("en", "Latn"), ("zh-Hans", "Hans"), ("zh-Hant-HK", "Hant"), ("ar", "Arab")),
        *(("he", "Hebr"), ("ja", "Jpan"), ("sr", "Cyrl"), ("tlh", "Latn")),
    ],
)
def test_scripts_of_languages(tag: str, code: str) -> None:
    assert languages.script(tag) == code


DAY = date(2017, 4, 10)
# Direction marks, embeddings and isolates (UAX 9), and the narrow no-break space.
MARKS = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u202f")


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "April 10, 2017"),
        ("en-GB", "10 April 2017"),
        ("zh-Hans", "2017年4月10日"),
        ("zh-Hant-HK", "2017年4月10日"),
        ("fr", "10 avril 2017"),
        ("ar", "10 أبريل 2017"),
        ("ru", "10 апреля 2017\u00a0г."),
        ("th", "10 เมษายน 2560"),
        ("fa", "۱۰ آوریل ۲۰۱۷"),
        ("ar-EG", "١٠ أبريل ٢٠١٧"),
        ("tlh", "April 10, 2017"),
    ],
)
def test_dates_follow_the_language(tag: str, written: str) -> None:
    assert languages.format_date(DAY, tag) == written


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "Monday, April 10, 2017"),
        ("zh-Hans", "2017年4月10日星期一"),
        ("de", "Montag, 10. April 2017"),
        ("ar", "الاثنين، 10 أبريل 2017"),
        ("th", "วันจันทร์ที่ 10 เมษายน 2560"),
    ],
)
def test_a_full_date_begins_or_ends_with_the_weekday(tag: str, written: str) -> None:
    assert languages.format_date(DAY, tag, "full") == written


@pytest.mark.parametrize(
    ("tag", "marked"),
    [
        *(("en", "“A”"), ("zh-Hans", "“A”"), ("zh-Hant-HK", "「A」"), ("ar", "«A»")),
        *(
            ("fr-CA", "«\u00a0A\u00a0»"),
            ("de", "„A“"),
            ("pl", "„A”"),
            ("sv", "”A”"),
            ("nl", "‘A’"),
        ),
        *(("pt-BR", "“A”"), ("pt-PT", "«A»"), ("tlh", "“A”")),
    ],
)
def test_quotation_marks_are_those_of_the_language(tag: str, marked: str) -> None:
    assert languages.in_quotes("A", tag) == marked


def test_numbers_have_the_digits_of_the_locale() -> None:
    assert [own_digits("No. 12", tag) for tag in ("en", "ar", "fa", "mr")] == [
        *("No. 12", "No. 12"),
        *("No. ۱۲", "No. १२"),
    ]


def test_dates_and_directions_agree_with_babel_in_every_locale() -> None:
    # Others mostly have the dates of a language with a short tag.
    names = [name for name in localedata.locale_identifiers() if at_night() or len(name) == 2]
    for tag in (name.replace("_", "-") for name in names):
        assert not MARKS.intersection(
            languages.format_date(DAY, tag) + languages.format_date(DAY, tag, "full")
        ), tag
        if len(tag) == 2:
            assert languages.direction(tag) == Locale.parse(tag).text_direction, tag


@pytest.mark.parametrize(
    ("tag", "side"),
    [
        *(("ar", "rtl"), ("he", "rtl"), ("fa", "rtl"), ("ur", "rtl"), ("dv", "rtl")),
        *(("en", "ltr"), ("zh-Hant", "ltr"), ("ru", "ltr"), ("ku", "ltr"), ("pa", "ltr")),
        *(("pa-Arab", "rtl"), ("ku-Arab", "rtl"), ("ar-Latn", "ltr")),
    ],
)
def test_direction_comes_from_the_script(tag: str, side: str) -> None:
    assert languages.direction(tag) == side


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        *(("en", "English"), ("zh-Hans", "简体中文"), ("zh-Hant", "繁體中文")),
        *(("ar", "العربية"), ("fr", "Français"), ("pt-BR", "Português (Brasil)")),
        *(("id", "Bahasa Indonesia"), ("zh-Hant-HK", "繁體中文（香港）")),
    ],
)
def test_languages_have_their_own_names(tag: str, name: str) -> None:
    assert languages.autonym(tag) == name


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        *(("en", "en"), ("pt-BR", "pt_BR"), ("zh-Hans", "zh_Hans"), ("zh-Hans-XX", "zh_Hans")),
        *(("zh-Hant-HK", "zh_Hant_HK"), ("en-x-foo", "en"), ("tlh", "en")),
    ],
)
def test_a_language_that_cldr_lacks_gets_its_parent_or_english(tag: str, locale: str) -> None:
    assert str(languages.locale_of(tag)) == locale


@pytest.mark.parametrize(
    ("tag", "text"),
    [("en", "A, B, and C"), ("zh-Hans", "A、B和C"), ("ar", "A وB وC"), ("de", "A, B und C")],
)
def test_lists_follow_the_language(tag: str, text: str) -> None:
    assert languages.list_names(["A", "B", "C"], tag) == text
    assert languages.list_names(["A"], tag) == "A"
    assert languages.list_names([], tag) == ""


def test_reading_time_counts_words_or_characters_which_all_have_names() -> None:
    assert reading_time("", "en") == "1 min"
    assert reading_time("word " * 238, "en") == "1 min"
    assert reading_time("word " * 239, "en") == "2 min"
    assert reading_time("word " * 932, "de") == "4 Min."
    assert reading_time("字 \n" * 370, "zh-Hant") == "1 分鐘"
    assert reading_time("字" * 371, "zh-Hant") == "2 分鐘"
    assert reading_time("字" * 371, "ja") == "1 分"
    assert reading_time("واژه " * 1000, "fa") == "۵ دقیقه"
    assert character_name("\x07") == "U+0007"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nothing to open",
        "\u2068العبّارة\u2069 at 7",
        "\u2067a \u2066b\u2069 c\u2069",
        "\u202bعبّارة\u202c",
        # The end of an isolate ends what was begun within it (UAX 9, X6a).
        "\u2068a \u202bb\u2069",
    ],
)
def test_a_line_that_closes_what_it_opens_is_accepted(line: str) -> None:
    assert bidi_fault(line) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("\u2068a", "U+2068 FIRST STRONG ISOLATE is left open"),
        ("a\u2069", "U+2069 POP DIRECTIONAL ISOLATE closes nothing"),
        ("\u2067a\u2069 \u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE is left open"),
        ("\u202ca\u202a", "U+202C POP DIRECTIONAL FORMATTING closes nothing"),
        # An embedding is not closed from within an isolate that stands in it.
        ("\u202ba \u2068b\u202c\u2069", "U+202C POP DIRECTIONAL FORMATTING closes nothing"),
    ],
)
def test_a_control_that_is_left_open_or_closes_nothing_is_named(line: str, said: str) -> None:
    assert bidi_fault(line) == said
