"""A passage is found as it was written, or the difference is described."""

import unicodedata

import pytest

from publisher.gate.passages import PassageText, column_width
from tests.cpu_time import at_most
from tests.publisher.gate.pages import DATA
from tests.tables import facts


def verdict(passage: str, part: str, start: int = 0) -> int | str:
    """Return where a passage is, or what is wrong with it."""
    found = next(iter(PassageText(part).every(PassageText(passage), start)), None)
    return PassageText(part).fault(PassageText(passage), start) if found is None else found


@pytest.mark.parametrize(("passage", "part"), facts(DATA / "passages.tsv", "same"))
def test_line_breaks_and_white_space_do_not_matter(passage: str, part: str) -> None:
    assert isinstance(verdict(passage, part), int)


@pytest.mark.parametrize(("passage", "part", "said"), facts(DATA / "passages.tsv", "changed"))
def test_every_change_of_a_passage_is_found(passage: str, part: str, said: str) -> None:
    found = verdict(passage, part)
    assert isinstance(found, str)
    assert said in found


def test_a_passage_must_follow_the_one_before_it_wherever_else_it_is() -> None:
    assert verdict("first", "second first", 6) == 6
    found = verdict("second", "second first", 11)
    assert found == "is before the passage that it should follow: “second”"
    assert verdict("the rapist", "therapist the rapist") == 9
    assert PassageText("a b a b ab").every(PassageText("a b")) == [0, 2]


def test_a_difference_is_quoted_with_the_text_around_it_and_no_control_characters() -> None:
    text = "In the harbour of the old city, where three rivers meet, the ferry waits."
    assert verdict(text, text.replace("three", "two")) == (
        "differs: expected “…y, where three rivers meet, the…”, found"
        " “…y, where two rivers meet, the fe…” (U+0068, U+0077)"
    )
    found = verdict("the \u202eferry\u202c waits here", "the ferry\x1b[31m waits there")
    assert isinstance(found, str)
    assert not {"\x1b", "\u202e", "\u202c"} & set(found)
    found = verdict("No ferry leaves before seven", "A ferry leaves before seven")
    assert (
        found
        == "differs: expected “No ferry leaves before seven”, found “A ferry leaves before seven” (U+006F, U+0041)"
    )


def test_long_texts_are_compared_quickly() -> None:
    text = " ".join(f"word{number} 渡轮" for number in range(20_000))
    with at_most(5):
        assert verdict(text, text.replace("word19999", "word19998")) != 0


def test_only_canonical_composition_makes_characters_equal() -> None:
    # Compatibility forms mean something else to readers, and stay apart (NFC, not NFKC).
    for one in ("ﬁ", "①", "Ａ", "ﷲ"):
        other = unicodedata.normalize("NFKC", one)
        assert isinstance(verdict(f"{one} stands here", f"{other} stands here"), str)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("渡轮", 4),
        ("ＡＢ", 4),
        ("e\u0301", 1),
        ("العبّارة", 7),
        ("\u2068a\u2069\u200e\u00ad", 1),
        ("👩\u200d👩\u200d👧", 2),
        ("a\x07b", 2),
    ],
)
def test_a_line_has_the_width_that_a_terminal_shows(text: str, width: int) -> None:
    assert column_width(text) == width
