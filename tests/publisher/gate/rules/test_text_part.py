from dataclasses import replace

import pytest

from publisher.gate.mail import CheckedMail, ExpectedStory
from publisher.gate.rules import text_part
from tests.publisher.gate.messages import STORIES, a_mail, text_of


def found(text: str, language: str = "en") -> list[tuple[str, int | None]]:
    mail = a_mail(language, text=text)
    return [(finding.code, finding.line) for finding in text_part.check(mail)]


@pytest.mark.parametrize("language", [*STORIES])
def test_the_programs_own_text_has_no_fault(language: str) -> None:
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


def test_frames_are_for_left_to_right_only() -> None:
    frame = "┌──┐\n"
    assert found(frame, "ar") == [("text-boxes", 1)]
    assert found(frame, "en") == []


@pytest.mark.parametrize("sign", ["\x07", "\x92", "\ufffd", "\ufffe"])
def test_what_no_reader_can_see_is_damage(sign: str) -> None:
    assert found(f"one\ntwo{sign}\n") == [("text-damage", 2)]


def test_a_line_that_leaves_a_direction_open_is_found() -> None:
    assert found("one\n\u2067two\nthree\u2069\n") == [
        ("text-direction", 2),
        ("text-direction", 3),
    ]


@pytest.mark.parametrize(
    "residue",
    [
        "{{ title }}",
        "{% if a %}",
        "{# note #}",
        "@@SHARE_LINK@@",
        "*|FNAME|*",
        "%(names)s",
        "None",
        "undefined",
    ],
)
def test_what_templates_leave_behind_is_an_error(residue: str) -> None:
    assert found(f"one\n{residue}\n") == [("text-template", 2)]


@pytest.mark.parametrize(
    "words", ["None of them came", "100% (about) sold", "@@ -1,3 +1,4 @@", "a {brace}"]
)
def test_words_that_only_look_like_it_are_none(words: str) -> None:
    assert found(f"{words}\n") == []


def test_a_story_may_say_what_a_template_would() -> None:
    story = ExpectedStory(
        language="en",
        url="https://news.example.org/x/",
        passages=("Jinja", "Write {{ a + b }} or None."),
    )
    mail = a_mail(text="Jinja\n\nWrite {{ a +\nb }} or None.\n")
    assert [f.code for f in text_part.check(replace(mail, stories=(story,)))] == []
    other = a_mail(text="Write {{ c }} or None.\n")
    assert [f.code for f in text_part.check(replace(other, stories=(story,)))] == [
        "text-template"
    ]


def telling(text: str, *passages: str) -> CheckedMail:
    story = ExpectedStory(language="en", url="https://news.example.org/x/", passages=passages)
    return replace(a_mail(text=text), stories=(story,))


def test_a_replacement_character_that_an_article_speaks_of_is_no_damage() -> None:
    assert list(text_part.check(telling("It shows \ufffd.\n", "It shows \ufffd."))) == []
    (finding,) = text_part.check(telling("It shows \ufffd\x07.\n", "It shows \ufffd."))
    assert (finding.code, finding.problem) == ("text-damage", "it holds U+0007")


@pytest.mark.parametrize(
    "text",
    [
        "\u2068What {{ opens\u2069 and more of ours\n",
        "What {{\nopens\n",
        "Read: What {{ ope…\n",
        "Jinja, Liquid: What {{ opens · 4 min\n",
        "\u2068None\u2069\n",
    ],
)
def test_what_a_story_says_is_known_however_it_is_laid_out_or_cut(text: str) -> None:
    assert list(text_part.check(telling(text, "What {{ opens", "None"))) == []


def test_an_encoded_place_in_an_address_is_let_through() -> None:
    assert found("https://x.example/%7B%7Burl%7D%7D\n") == []


@pytest.mark.parametrize("opening", "\u2066\u2067\u2068\u202a\u202b\u202d\u202e")
def test_directions_of_every_kind_may_be_set_and_ended_in_a_line(opening: str) -> None:
    end = "\u2069" if opening in "\u2066\u2067\u2068" else "\u202c"
    assert found(f"one {opening}two{end} three\n") == []
    line = f"one {opening}two\n"
    assert [f.code for f in text_part.check(a_mail(text=line))] == ["text-direction"]
    (own,) = text_part.check(telling(line, f"one {opening}two"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")


def test_what_an_article_ends_without_having_begun_it_is_its_own() -> None:
    (own,) = text_part.check(telling("\u2068one\u202c\u2069\n", "one\u202c"))
    assert (own.code, own.severity) == ("text-direction-own", "warning")


def test_an_articles_own_signs_do_not_excuse_the_templates() -> None:
    (fault,) = text_part.check(telling("two\n\u2067one\n", "\u202btwo"))
    assert (fault.code, fault.severity) == ("text-direction", "error")
