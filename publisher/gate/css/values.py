"""Values of declarations and of old attributes: lengths, colours, shorthands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from publisher.gate.css.stylesheet import Declaration, parse_colour, split_value

ROOT_SIZE = 16.0
# Pixels of the keywords of font-size.
KEYWORD_SIZES = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
}
# Pixels of the absolute units.
_UNITS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 9.6 / 2.54}
_RELATIVE_UNITS = {"%": 0.01, "em": 1.0, "ex": 0.5}
_LENGTH = re.compile(
    r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))(px|pt|pc|in|cm|mm|em|ex|rem|%|)"
)
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_KEYWORD_COLOURS = frozenset({"transparent", "inherit", "currentcolor"})


@lru_cache(maxsize=512)
def legacy_colour(value: str | None) -> str | None:
    """Return the colour of an attribute of HTML 3.2 (`bgcolor`), None if it is not one."""
    if not value:
        return None
    found = _HEX.fullmatch(value.strip())
    named = parse_colour(value.strip())
    return f"#{found[1].lower()}" if found else named[0] if named else None


@lru_cache(maxsize=2048)
def pixels(value: str, relative: float) -> float | None:
    """Return a length in pixels, None if it is not one; `relative` is 1 em and 100 %."""
    found = _LENGTH.fullmatch(value.strip().lower())
    if not found:
        return None
    number, unit = float(found[1]), found[2]
    if unit in _UNITS:
        return number * _UNITS[unit]
    if unit == "rem":
        return number * ROOT_SIZE
    if unit in _RELATIVE_UNITS:
        return number * _RELATIVE_UNITS[unit] * relative
    return 0.0 if number == 0 else None


@lru_cache(maxsize=512)
def plain_number(value: str) -> float | None:
    """Return a number without a unit, None if it is not one."""
    found = _LENGTH.fullmatch(value.strip())
    return float(found[1]) if found and not found[2] else None


def opacity_of(value: str) -> float | None:
    """Return a number or a percentage as a share, 0 to 1; None if it is neither."""
    number = plain_number(value)
    if number is None:
        number = pixels(value, 1.0) if value.endswith("%") else None
    return None if number is None else min(1.0, max(0.0, number))


def longhands(applied: Iterable[Declaration]) -> dict[str, str]:
    """Return the values that win, by property; `background` and `font` are taken apart.

    Values with variables are left out: few mail clients support them.
    """
    values: dict[str, str] = {}
    for declared in applied:
        name, value = declared.name, declared.value.lower()
        if "var" in declared.functions or not value:
            continue
        if name == "background":
            values["background-color"] = _background_colour(declared.value)
        elif name == "font":
            values |= _font_longhands(declared.value)
        elif name in {"background-color", "color"}:
            if value in _KEYWORD_COLOURS or parse_colour(value):
                values[name] = value
        else:
            values[name] = declared.value if name == "font-family" else value
    return values


@lru_cache(maxsize=512)
def _background_colour(value: str) -> str:
    return next((part for part in split_value(value) if parse_colour(part)), "transparent")


@lru_cache(maxsize=512)
def _font_longhands(value: str) -> dict[str, str]:
    """Take `font: italic bold 16px/24px Arial, sans-serif` apart."""
    words = split_value(value)
    place = next((n for n, word in enumerate(words) if _LENGTH.fullmatch(word.lower())), None)
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
