from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import LanguageError
from publisher.languages import match, normalise, script

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
    assert normalise(spelling) == tag


@pytest.mark.parametrize("text", NO_TAGS)
def test_tags_without_a_language_are_refused(text: str) -> None:
    with pytest.raises(LanguageError) as caught:
        normalise(text)
    assert caught.value.tag == text
    assert repr(text) in str(caught.value)


@settings(deadline=None)
@given(ANYTHING)
def test_any_text_becomes_a_stable_tag_or_a_language_error(text: str) -> None:
    try:
        tag = normalise(text)
    except LanguageError:
        return
    assert normalise(tag) == tag
    assert match(tag, [tag]) == tag
    assert len(script(tag)) == 4


@settings(deadline=None)
@given(ANYTHING, st.lists(ANYTHING, max_size=4))
def test_a_match_is_in_the_same_language_and_script(text: str, others: list[str]) -> None:
    try:
        tag, choices = normalise(text), [normalise(other) for other in others]
    except LanguageError:
        return
    found = match(tag, choices)
    assert found is None or found in choices
    if found:
        assert found.split("-")[0] == tag.split("-")[0]
        assert script(found) == script(tag)


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
    assert match(wanted, SITE) == found


def test_one_chinese_script_never_matches_the_other() -> None:
    assert match("zh-Hans", ["zh-Hant", "zh-Hant-HK"]) is None
    assert match("zh-Hant", ["zh-Hans", "zh-Hans-SG"]) is None
    assert match("zh-Hant-HK", ["zh-Hans"]) is None
    assert match("zh-Hant", ["zh-Hant-HK"]) == "zh-Hant-HK"


def test_the_nearest_variety_matches() -> None:
    assert match("zh-Hant-HK", ["zh-Hant", "zh-Hant-HK"]) == "zh-Hant-HK"
    assert match("en-GB", ["en-US", "en"]) == "en"
    assert match("en-GB", ["en-US", "en-AU"]) == "en-US"
    assert match("en", []) is None


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en", "Latn"),
        ("zh-Hans", "Hans"),
        ("zh-Hant-HK", "Hant"),
        ("ar", "Arab"),
        ("he", "Hebr"),
        ("ja", "Jpan"),
        ("sr", "Cyrl"),
        ("tlh", "Latn"),
    ],
)
def test_scripts_of_languages(tag: str, code: str) -> None:
    assert script(tag) == code
