from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.articles.content.excerpt import (
    EXCERPT_CHARACTERS,
    EXCERPT_WORDS,
    make_excerpt,
    split_sentences,
)
from tests.cpu_time import at_most

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
        (
            "Mr. J. Doe of the U.S. Senate spoke. " + LONG,
            "en",
            "Mr. J. Doe of the U.S. Senate spoke.",
        ),
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
