"""The colours of a mail, light and dark, reckoned from two that a publication chooses.

Every ink is moved until it can be read on every ground that it stands on, so that no choice
makes a mail that can't be read. Knows no template and no setting but those two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from publisher.colours import WHITE, lightened, readable_on

# Neutral, a little warm: pure black and white are harsh, and Gmail inverts them at random.
_INK = "#1f1d1a"
_MUTED = "#5c574e"
_TINT = "#f7f4ee"
# Boxes on web pages, whose ground is the tint of mails.
_WEB_TINT = "#efeae1"
_RULE = "#e2ddd3"

# Dark grounds keep nothing of the light one's hue: what is pleasant there is gaudy here.
DARK_GROUND = "#141210"
DARK_CARD = "#1f1c19"
DARK_TINT = "#2a2622"
# Light ink on a dark ground looks thinner than dark on light, so links get more than AA asks.
DARK_LINK = 6.0
# A button is told from its card by this much; white on it must still be read.
DARK_BUTTON = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """One scheme, each `#rrggbb`.

    `ground` lies around the column, `card` under it, `tint` under boxes on the card. `muted`
    is the ink of what is read second, `quiet` that of what stands on the ground; `link` is read
    on card and tint, `button` under `on_button`.
    """

    ground: str
    card: str
    tint: str
    rule: str
    ink: str
    muted: str
    quiet: str
    link: str
    button: str
    on_button: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of a publication's mails."""

    light: Colours
    dark: Colours


@lru_cache(maxsize=64)
def palette(accent: str, ground: str) -> Palette:
    """Reckon the colours from an accent that can be read on white, and any ground."""
    light = Colours(
        ground=ground,
        card=WHITE,
        tint=_TINT,
        rule=_RULE,
        ink=_INK,
        muted=_MUTED,
        quiet=readable_on(_MUTED, (ground,)),
        link=readable_on(accent, (WHITE, _TINT, _WEB_TINT)),
        button=accent,
        on_button=WHITE,
    )
    dark = Colours(
        ground=DARK_GROUND,
        card=DARK_CARD,
        tint=DARK_TINT,
        rule="#3d3832",
        ink="#f1ede5",
        muted="#b8b0a3",
        quiet="#b8b0a3",
        link=lightened(accent, DARK_TINT, DARK_LINK),
        button=lightened(accent, DARK_CARD, DARK_BUTTON),
        on_button=WHITE,
    )
    return Palette(light=light, dark=dark)
