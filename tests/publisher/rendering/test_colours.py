"""Colours: every word can be read in light and in dark, whatever a publication chooses."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.gate.mail import CheckedMail
from publisher.pictures.colours import (
    AA,
    BLACK,
    HEX_COLOUR,
    WHITE,
    contrast,
    lightened,
    luminance,
    mix,
    readable_on,
)
from publisher.rendering import Renderer
from publisher.rendering.colours_and_fonts import Colours, palette
from tests.publisher.gate.pages import mail_of
from tests.publisher.rendering import sample

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
accents = colours.filter(lambda colour: contrast(colour, WHITE) >= AA)


def readings(scheme: Colours) -> list[tuple[str, str]]:
    """List every ink with every ground that templates put it on."""
    on_card = [(ink, scheme.card) for ink in (scheme.ink, scheme.muted, scheme.link)]
    on_tint = [(ink, scheme.tint) for ink in (scheme.ink, scheme.muted, scheme.link)]
    return [
        *on_card,
        *on_tint,
        (scheme.quiet, scheme.ground),
        (scheme.on_button, scheme.button),
    ]


@given(accents, colours)
def test_every_ink_can_be_read_on_every_ground_it_stands_on(accent: str, ground: str) -> None:
    made = palette(accent, ground)
    for scheme in (made.light, made.dark):
        for ink, behind in readings(scheme):
            assert contrast(ink, behind) >= AA, (ink, behind)


@given(accents, colours)
def test_every_colour_is_one_that_mail_programs_read(accent: str, ground: str) -> None:
    made = palette(accent, ground)
    for scheme in (made.light, made.dark):
        assert all(HEX_COLOUR.fullmatch(colour) for colour in astuple(scheme))


def test_what_a_publication_chooses_is_what_it_gets() -> None:
    light = palette("#0b57d0", "#e8f0fe").light
    assert (light.button, light.link, light.ground) == ("#0b57d0", "#0b57d0", "#e8f0fe")


@pytest.mark.parametrize("accent", ["#000000", "#3b0000", "#0b57d0", "#767676"])
def test_a_button_is_told_from_a_dark_card(accent: str) -> None:
    dark = palette(accent, "#ffffff").dark
    assert contrast(dark.button, dark.card) >= 2


LANGUAGES = ["en", "zh-Hant", "ar"]


@pytest.fixture(params=LANGUAGES)
def mail(request: pytest.FixtureRequest) -> CheckedMail:
    language: str = request.param
    return mail_of(Renderer().digest(sample.issue(language)).html, language)


def test_every_word_is_checked_in_both_modes(mail: CheckedMail) -> None:
    assert mail.document.has_dark_rules
    light, dark = mail.document.styles.texts, mail.document.dark_styles.texts
    assert [one.text for one in light] == [one.text for one in dark]
    assert len(light) > 20
    assert all(
        one.style.background != other.style.background
        for one, other in zip(light, dark, strict=True)
        if one.element.tag != "a" and one.element.get("class") != "button-link"
    )


def test_luminance_goes_from_black_to_white_and_mixing_ends_at_both_colours() -> None:
    assert luminance(BLACK) == 0
    assert luminance(WHITE) == pytest.approx(1)
    assert mix("#102030", "#a0b0c0", 0) == "#102030"
    assert mix("#102030", "#a0b0c0", 1) == "#a0b0c0"
    assert mix(BLACK, WHITE, 0.5) == "#808080"


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        (BLACK, WHITE, 21),
        (WHITE, WHITE, 1),
        # Known from everybody's checker: the lightest grey that passes, the darkest that fails.
        ("#767676", WHITE, 4.54),
        ("#777777", WHITE, 4.48),
        ("#0000ff", WHITE, 8.59),
    ],
)
def test_contrast_is_what_wcag_says(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast(other, one) == contrast(one, other)


@given(colours, colours)
def test_any_ink_can_be_read_on_any_ground_once_it_is_moved(ink: str, ground: str) -> None:
    assert contrast(readable_on(ink, (ground,)), ground) >= AA


@given(colours)
def test_what_can_be_read_stays_as_it_is(ground: str) -> None:
    for ink in (BLACK, WHITE):
        if contrast(ink, ground) >= AA:
            assert readable_on(ink, (ground,)) == ink


def test_the_better_of_black_and_white_is_taken_and_lightening_keeps_the_hue() -> None:
    assert readable_on("#808080", ("#606060", "#a0a0a0")) == BLACK
    assert readable_on("#808080", ("#404040", "#909090")) == WHITE
    blue = lightened("#0b57d0", "#1f1c19", 6)
    red, green, blueness = (int(blue[place : place + 2], 16) for place in (1, 3, 5))
    assert red < green < blueness
    assert lightened("#123456", "#ffffff", 21) == WHITE


@given(colours)
def test_a_colour_is_lightened_until_it_stands_out_from_the_dark(colour: str) -> None:
    assert contrast(lightened(colour, "#1f1c19", 6), "#1f1c19") >= 6
