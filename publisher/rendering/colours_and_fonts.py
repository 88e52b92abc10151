"""The colours of a mail, light and dark, and the fonts and line heights of a language. Pure.

Colours are computed from the two that a publication chooses. Those of text are changed until they have enough
contrast (WCAG AA) on every background they stand on. Fonts are system fonts, chosen by script. A Han character
has one code point and several shapes, so Simplified, Traditional, Japanese and Korean have fonts of their own.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial

from publisher.languages import script
from publisher.pictures.colours import WHITE, lightened, readable_on

# Neutral and a little warm. Gmail inverts pure black and white in unpredictable ways.
_INK = "#1f1d1a"
_MUTED = "#5c574e"
_TINT = "#f7f4ee"
_WEB_TINT = "#efeae1"  # boxes on web pages, whose ground is the tint of mails
_RULE = "#e2ddd3"

# Dark backgrounds do not depend on the chosen one.
DARK_GROUND = "#141210"
DARK_CARD = "#1f1c19"
DARK_TINT = "#2a2622"
DARK_LINK = 6.0  # contrast in the dark: more than AA, since light text looks thinner
DARK_BUTTON = 3.0  # contrast with its card (WCAG 2.2, 1.4.11); white text on it keeps AA


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """The colours of one scheme, each `#rrggbb`.

    Backgrounds: `ground` around the column, `card` of the column, `tint` of boxes on the card, `button`. Texts: `ink`,
    `muted` (secondary), `quiet` (on the ground), `link` (on card and tint), `on_button`. `rule` is the colour of lines.
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
    """Return the colours for an accent that has contrast on white, and any ground."""
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


@dataclass(frozen=True, slots=True)
class Typeface:
    """Font stacks in CSS; line heights as multiples of the font size.

    `office` is one font of Windows, since Outlook there reads stacks wrongly.
    """

    body: str
    heading: str
    office: str
    leading: float
    heading_leading: float


SANS = "-apple-system,'Segoe UI',Roboto,Arial,sans-serif"

WESTERN = Typeface(
    body=SANS,
    heading="Georgia,'Times New Roman',serif",
    office="Arial",
    leading=1.55,
    heading_leading=1.22,
)


def _sans(stack: str, office: str, *, leading: float, heading_leading: float) -> Typeface:
    fonts = f"{stack},Arial,sans-serif"
    return Typeface(fonts, fonts, office, leading, heading_leading)


# CJK characters fill their square, so lines need more space than Latin ones.
_asian = partial(_sans, leading=1.72, heading_leading=1.38)
# Marks above and below the letters are cut off in tight lines.
_semitic = partial(_sans, leading=1.75, heading_leading=1.5)

BY_SCRIPT = {
    "Hans": _asian(
        "'PingFang SC','Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC'",
        "Microsoft YaHei",
    ),
    "Hant": _asian(
        "'PingFang TC','Microsoft JhengHei','Noto Sans CJK TC'", "Microsoft JhengHei"
    ),
    "Jpan": _asian("'Hiragino Sans','Yu Gothic',Meiryo,'Noto Sans CJK JP'", "Meiryo"),
    "Kore": _asian("'Apple SD Gothic Neo','Malgun Gothic','Noto Sans CJK KR'", "Malgun Gothic"),
    "Arab": _semitic("'Segoe UI',Tahoma,'Geeza Pro','Noto Sans Arabic'", "Segoe UI"),
    "Hebr": _semitic("'Segoe UI','Noto Sans Hebrew'", "Segoe UI"),
}


@lru_cache(maxsize=256)
def typeface(language: str, headings: str = "serif") -> Typeface:
    """Return the typeface of a language; `sans` sets headings like the text."""
    face = BY_SCRIPT.get(script(language), WESTERN)
    return replace(face, heading=face.body) if headings == "sans" else face
