"""The colours of a mail: whatever a publication chooses can be read, in light and dark."""

from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.colours import AA, HEX_COLOUR, WHITE, contrast
from publisher.rendering.palette import Colours, palette

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
