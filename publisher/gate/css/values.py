"""Values of styles and old attributes: lengths, colours, shorthands taken apart.

Knows no element and no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from publisher.gate.css.stylesheet import Declaration, colour, parts

ROOT_SIZE = 16.0
SIZES = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
}
# <font size=1> to 7.
FONT_SIZES = {
    "1": "x-small",
    "2": "small",
    "3": "medium",
    "4": "large",
    "5": "x-large",
    "6": "xx-large",
    "7": "xx-large",
}
# Pixels; the others are relative.
UNITS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 9.6 / 2.54}
LENGTH = re.compile(
    r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))(px|pt|pc|in|cm|mm|em|ex|rem|%|)"
)
# From here on a weight is bold (WCAG's "bold" is what CSS calls so).
BOLD_FROM = 700
WEIGHT = re.compile(r"\d{1,4}")
HEX = re.compile(r"#?([0-9a-fA-F]{6})")


def legacy_colour(value: str | None) -> str | None:
    """Read a colour from an attribute of HTML 3.2."""
    if not value:
        return None
    found = HEX.fullmatch(value.strip())
    named = colour(value.strip())
    return f"#{found[1].lower()}" if found else named[0] if named else None


@lru_cache(maxsize=2048)
def length(value: str, relative: float) -> float | None:
    """Give pixels; `relative` is what `em` and `%` refer to."""
    found = LENGTH.fullmatch(value.strip().lower())
    if not found:
        return None
    number, unit = float(found[1]), found[2]
    if unit in UNITS:
        return number * UNITS[unit]
    if unit == "rem":
        return number * ROOT_SIZE
    scale = {"%": 0.01, "em": 1.0, "ex": 0.5}.get(unit)
    if scale is not None:
        return number * scale * relative
    return 0.0 if number == 0 else None


def share(value: str) -> float | None:
    """Give a number or percentage as a share, 0 to 1; None for what is neither."""
    found = LENGTH.fullmatch(value.strip())
    if not found or found[2] not in {"", "%"}:
        return None
    number = float(found[1]) / (100 if found[2] else 1)
    return min(1.0, max(0.0, number))


def effects(applied: Iterable[Declaration]) -> dict[str, str]:
    """Give the values that win, by longhand; what no mail program could read is left out."""
    values: dict[str, str] = {}
    for declared in applied:
        value = declared.value.lower()
        if "var" in declared.functions or not value:
            continue
        if declared.name == "background":
            values["background-color"] = _background(declared.value)
        elif declared.name == "font":
            values |= _shorthand(declared.value)
        elif declared.name in {"background-color", "color"}:
            if colour(value) or value in {"transparent", "inherit", "currentcolor"}:
                values[declared.name] = value
        elif declared.name == "font-family":
            values["font-family"] = declared.value
        else:
            values[declared.name] = value
    return values


@lru_cache(maxsize=512)
def _background(value: str) -> str:
    return next((part for part in parts(value) if colour(part)), "transparent")


@lru_cache(maxsize=512)
def _shorthand(value: str) -> dict[str, str]:
    """Take `font: italic bold 16px/24px Arial, sans-serif` apart."""
    words = parts(value)
    place = next((n for n, word in enumerate(words) if LENGTH.fullmatch(word.lower())), None)
    if place is None:
        return {}
    found = {"font-size": words[place], "font-weight": "normal", "font-style": "normal"}
    for word in words[:place]:
        if word in {"italic", "oblique"}:
            found["font-style"] = word
        elif word in {"bold", "bolder"} or word.isdecimal():
            found["font-weight"] = word
    rest = words[place + 1 :]
    if rest[:1] == ("/",):
        found["line-height"], rest = "".join(rest[1:2]), rest[2:]
    return found | {"font-family": " ".join(rest).replace(" ,", ",")}
