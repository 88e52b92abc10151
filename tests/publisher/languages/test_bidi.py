import pytest

from publisher.languages.bidi import bidi_fault, character_name


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


def test_a_character_without_a_name_has_its_code_point() -> None:
    assert character_name("\x07") == "U+0007"
