"""Colours `#rrggbb`: mixing, and the luminance and contrast ratio of WCAG 2."""

import colorsys
import re
from functools import lru_cache

HEX_COLOUR = re.compile("#[0-9a-f]{6}")

# Minimum contrast ratios (WCAG 2.2, 1.4.3). Large text has 24 px, or 18.66 px and bold.
AA = 4.5
AA_LARGE = 3.0

WHITE = "#ffffff"
BLACK = "#000000"

# Below this sRGB's transfer function is linear. WCAG has this value; sRGB has 0.04045.
_LINEAR_BELOW = 0.03928

_STEPS = 50  # Steps from a colour to black or white. One step is hardly visible.


@lru_cache(maxsize=1024)
def luminance(colour: str) -> float:
    """Return the relative luminance, 0 for black to 1 for white (WCAG 2.2, definitions)."""
    red, green, blue = map(_linear, [part / 255 for part in _parts(colour)])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio, 1 to 21 (WCAG 2.2, definitions)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=1024)
def mix(one: str, other: str, share: float) -> str:
    """Mix two colours; `share` is that of the second, 0 to 1."""
    if share == 1:
        return other
    parts = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join([f"{round(a + (b - a) * share):02x}" for a, b in parts])


def readable_on(colour: str, grounds: tuple[str, ...]) -> str:
    """Return the nearest colour, towards black or white, with the contrast AA on all grounds.

    If there is none, because grounds are both light and dark: the better of black and white.
    """

    def worst(candidate: str) -> float:
        return min(contrast(candidate, ground) for ground in grounds)

    moved = (
        mix(colour, end, step / _STEPS) for step in range(_STEPS + 1) for end in (BLACK, WHITE)
    )
    found = next((candidate for candidate in moved if worst(candidate) >= AA), None)
    return found or max((BLACK, WHITE), key=worst)


def lightened(colour: str, ground: str, ratio: float) -> str:
    """Lighten a colour, keeping its hue, until it has a contrast on a dark ground."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in _parts(colour)))
    for step in range(_STEPS + 1):
        light = lightness + (1 - lightness) * step / _STEPS
        parts = colorsys.hls_to_rgb(hue, light, saturation)
        candidate = "#" + "".join(f"{round(part * 255):02x}" for part in parts)
        if contrast(candidate, ground) >= ratio:
            return candidate
    return WHITE


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _linear(part: float) -> float:
    return part / 12.92 if part <= _LINEAR_BELOW else ((part + 0.055) / 1.055) ** 2.4
