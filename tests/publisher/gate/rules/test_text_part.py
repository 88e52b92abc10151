from dataclasses import replace

import pytest

from publisher.gate.mail import CheckedMail
from publisher.gate.rules import text_part
from publisher.rendering import StoryText
from tests.publisher.gate.messages import STORIES, a_mail, text_of


def found(text: str, language: str = "en") -> list[tuple[str, int | None]]:
    """Return what is found in the lines; `test_link_parity` tests the links of both parts."""
    mail = a_mail(language, text=text)
    return [(finding.code, finding.line) for finding in text_part._check_lines(mail)]


@pytest.mark.parametrize("language", [*STORIES])
def test_a_composed_text_part_is_accepted(language: str) -> None:
    assert found(text_of(STORIES[language]), language) == []


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("x" * 76, True),
        ("x" * 77, False),
        ("渡" * 38, True),
        ("渡" * 39, False),
        ("https://example.org/" + "x" * 100, True),
        ("[12] https://example.org/" + "x" * 100, True),
        ("words " * 10 + "https://example.org/" + "x" * 100, False),
        ("\u2068" + "x" * 76 + "\u2069", True),
    ],
)
def test_lines_are_measured_in_columns_and_addresses_stay_whole(
    line: str, *, fits: bool
) -> None:
    assert found(f"one\n{line}\n") == ([] if fits else [("text-width", 2)])


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        ("渡轮\n，开了", "zh-Hans", 2),
        ("渡轮\n\u2068。开了\u2069", "zh-Hans", 2),
        ("渡轮（\n开了", "zh-Hans", 2),
        ("渡轮“\n开了", "zh-Hans", 2),
        ("开了\n”。", "zh-Hans", 2),
        ("word\n、word", "en", 2),
        ("渡轮\n\n，开了", "zh-Hans", None),
        ("Sagt „das hier“\nund „das“", "en", None),
        ("word\n”Vad?” sade hon", "en", None),
        ("渡轮\n开了。", "zh-Hans", None),
    ],
)
def test_no_line_of_a_paragraph_begins_or_ends_with_the_wrong_sign(
    text: str, language: str, line: int | None
) -> None:
    assert found(text, language) == ([("text-line-break", line)] if line else [])


def test_frames_are_accepted_in_left_to_right_text_only() -> None:
    frame = "┌──┐\n"
    assert found(frame, "ar") == [("text-boxes", 1)]
    assert found(frame, "en") == []


def test_a_line_that_leaves_a_direction_open_is_a_finding() -> None:
    assert found("one\n\u2067two\nthree\u2069\n") == [
        ("text-direction", 2),
        ("text-direction", 3),
    ]


def telling(text: str, *passages: str) -> CheckedMail:
    story = StoryText(language="en", url="https://news.example.org/x/", passages=passages)
    return replace(a_mail(text=text), stories=(story,))


@pytest.mark.parametrize("opening", "\u2066\u2067\u2068\u202a\u202b\u202d\u202e")
def test_directions_of_every_kind_may_be_set_and_closed_in_a_line(opening: str) -> None:
    end = "\u2069" if opening in "\u2066\u2067\u2068" else "\u202c"
    assert found(f"one {opening}two{end} three\n") == []
    line = f"one {opening}two\n"
    assert [f.code for f in text_part._check_lines(a_mail(text=line))] == ["text-direction"]
    (own,) = text_part._check_lines(telling(line, f"one {opening}two"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")


def test_a_control_that_an_article_closes_without_opening_it_is_a_warning() -> None:
    (own,) = text_part._check_lines(telling("\u2068one\u202c\u2069\n", "one\u202c"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")


def test_controls_of_an_article_do_not_excuse_those_of_the_template() -> None:
    (fault,) = text_part._check_lines(telling("two\n\u2067one\n", "\u202btwo"))
    assert (fault.code, fault.severity) == ("text-direction", "error")
