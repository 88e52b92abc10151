"""Colours: WCAG's arithmetic, and inks that are moved until they can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.colours import (
    AA,
    BLACK,
    WHITE,
    contrast,
    lightened,
    luminance,
    mix,
    readable_on,
)

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_luminance_goes_from_black_to_white() -> None:
    assert luminance(BLACK) == 0
    assert luminance(WHITE) == pytest.approx(1)


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


def test_mixing_ends_at_both_colours() -> None:
    assert mix("#102030", "#a0b0c0", 0) == "#102030"
    assert mix("#102030", "#a0b0c0", 1) == "#a0b0c0"
    assert mix(BLACK, WHITE, 0.5) == "#808080"


@given(colours, colours)
def test_any_ink_can_be_read_on_any_ground_once_it_is_moved(ink: str, ground: str) -> None:
    assert contrast(readable_on(ink, (ground,)), ground) >= AA


@given(colours)
def test_what_can_be_read_stays_as_it_is(ground: str) -> None:
    for ink in (BLACK, WHITE):
        if contrast(ink, ground) >= AA:
            assert readable_on(ink, (ground,)) == ink


def test_between_black_and_white_the_better_one_is_taken() -> None:
    assert readable_on("#808080", ("#606060", "#a0a0a0")) == BLACK
    assert readable_on("#808080", ("#404040", "#909090")) == WHITE


@given(colours)
def test_a_colour_is_lightened_until_it_stands_out_from_the_dark(colour: str) -> None:
    assert contrast(lightened(colour, "#1f1c19", 6), "#1f1c19") >= 6


def test_lightening_keeps_the_hue() -> None:
    blue = lightened("#0b57d0", "#1f1c19", 6)
    red, green, blueness = (int(blue[place : place + 2], 16) for place in (1, 3, 5))
    assert red < green < blueness


def test_no_ground_asks_for_more_than_white() -> None:
    assert lightened("#123456", "#ffffff", 21) == WHITE
