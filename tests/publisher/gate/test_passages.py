"""A passage is found as it was written, or the difference is described."""

import unicodedata

import pytest

from publisher.gate.passages import PassageText, column_width
from tests.cpu_time import at_most


def verdict(passage: str, part: str, start: int = 0) -> int | str:
    """Return where a passage is, or what is wrong with it."""
    found = next(iter(PassageText(part).every(PassageText(passage), start)), None)
    return PassageText(part).fault(PassageText(passage), start) if found is None else found


@pytest.mark.parametrize(
    ("passage", "part"),
    [
        ("The ferry waits", "x The\nferry   waits. y"),
        ("四十年来，渡轮总是准点开船", "四十年来，\n渡轮总是准\n点开船"),
        ("他的 Moleskine 笔记本", "他的\nMoleskine\n笔记本"),
        ("العبّارة التي تنتظر", "\u2068العبّارة\u2069 التي\n\u2067تنتظر\u2069"),
        ("a\u200fb", "ab"),
        ("caf\u00e9", "cafe\u0301"),
        ("write @@\u200cUNSUBSCRIBE@@", "write @@UNSUBSCRIBE@@"),
        ("@\u200c@ADDRESS@@", "@@ADDRESS@@"),
        ("𠮷野家", "𠮷\n野家"),
        ("รอน้ำขึ้น", "รอน้ำ\nขึ้น"),
        (
            "https://example.org/" + "x" * 80,
            "https://example.org/" + "x" * 40 + "\n" + "x" * 40,
        ),
        ("well-known", "well-\nknown"),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesell\nschaft"),
        ("seehttps://example.org/", "see\nhttps://example.org/"),
        ("one two\nthree", "one two three"),
    ],
)
def test_line_breaks_and_white_space_do_not_matter(passage: str, part: str) -> None:
    assert isinstance(verdict(passage, part), int)


@pytest.mark.parametrize(
    ("passage", "part", "said"),
    [
        (
            "The ferry waits for the tide",
            "The ferry waited for the tide",
            "found “…ferry waited for the tide” (U+0073, U+0065)",
        ),
        ("The ferry waits", "The fеrry waits", "(U+0065, U+0435)"),
        (
            "渡轮等待潮水",
            "渡轮等待海水",
            "differs: expected “渡轮等待潮水”, found “渡轮等待海水” (U+6F6E, U+6D77)",
        ),
        ("没有人知道", "有人知道", "expected “没有人知道”, found “有人知道” (U+6CA1, nothing)"),
        ("سيغادر المركب غدًا", "سيغادر المركب غدا", "(U+064B"),
        ("می\u200cخواهم بروم", "میخواهم بروم", "differs"),
        ("the 2nd line — last", "the 2nd line - last", "(U+2014, U+002D)"),
        ("It was not so at all", "It was so at all", "differs"),
        ("gone altogether", "nothing of the kind", "is missing: “gone altogether”"),
        ("“Quoted” words here", '"Quoted" words here', "differs"),
        (
            "10\u00a0000 readers",
            "10000 readers",
            "runs together: expected “10 000 readers”, found “10000 readers”",
        ),
        (
            "the rapist of trees",
            "therapist of trees",
            "runs together: expected “the rapist of trees”, found “therapist of trees”",
        ),
        ("therapist", "the rapist", "falls apart: expected “therapist”, found “the rapist”"),
        ("therapist", "the\nrapist", "falls apart: expected “therapist”, found “the rapist”"),
        (
            "渡轮等待渡轮等待渡轮等待渡轮等待Moleskine",
            "渡轮等待渡轮等待渡轮等待渡轮等待Mole\nskine",
            "falls apart",
        ),
        ("渡轮等待", "渡轮 等待", "falls apart: expected “渡轮等待”, found “渡轮 等待”"),
        ("The END.", "the end.", "is missing: “The END.”"),
        ("a\u00adb", "ab", "differs"),
        ("👩\u200d👧 came home", "👩👧 came home", "differs"),
    ],
)
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
