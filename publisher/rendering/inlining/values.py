"""Which values every browser takes: only such a value makes an earlier one needless.

`background:#fff; background:linear-gradient(...)` is two declarations so that an old program may
keep the first. What this module calls plain has been taken by all of them for ten years or more;
all else may be dropped somewhere, and is never relied on. Knows no rule and no element.

Source: CSS 2.2 and CSS Color 3; a test asks Chromium about values made from these tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, TypeAlias

from tinycss2.color3 import parse_color  # type: ignore[import-untyped]  # it ships no types

from publisher.rendering.inlining.properties import SIDES
from publisher.rendering.inlining.words import words

UNITS = words("px pt em ex in cm mm pc")

# Names that stand for no font (CSS Values 4, section 2.1.1).
NOT_A_FONT = words("inherit initial unset revert revert-layer default")

LINE_STYLES = words("none hidden dotted dashed solid double groove ridge inset outset")
WEIGHTS = frozenset(range(100, 901, 100))
LINE_WIDTHS = words("thin medium thick")

WORDS: dict[str, str] = {
    "border-collapse": "collapse separate",
    "clear": "none left right both",
    "direction": "ltr rtl",
    "display": "none block inline inline-block list-item table table-row table-cell",
    "float": "none left right",
    "font-size": "xx-small x-small small medium large x-large xx-large smaller larger",
    "font-style": "normal italic oblique",
    "font-weight": "normal bold bolder lighter",
    "height": "auto",
    "letter-spacing": "normal",
    "line-height": "normal",
    "list-style-type": "none disc circle square decimal",
    "max-height": "none",
    "max-width": "none",
    "overflow": "visible hidden scroll auto",
    "table-layout": "auto fixed",
    "text-align": "left right center justify",
    "text-decoration": "none underline overline line-through",
    "text-transform": "none capitalize uppercase lowercase",
    "vertical-align": "baseline sub super top text-top middle bottom text-bottom",
    "visibility": "visible hidden",
    "white-space": "normal nowrap pre pre-wrap pre-line",
    "width": "auto",
    "word-spacing": "normal",
}

# Properties that take several values, a side or a direction each.
MOST_PARTS = {
    **dict.fromkeys(("margin", "padding", "border-radius"), 4),
    **dict.fromkeys(("border-width", "border-style", "border-color"), 4),
    "border-spacing": 2,
}

# A token of a value, and whole values: tokens without the white space between them.
Part: TypeAlias = Any
Test = Callable[[Part], bool]
Value = Sequence[Part]


def plain(name: str, value: Value) -> bool:
    """Say whether every browser takes this value of a property."""
    if len(value) == 1 and _word(value[0], {"inherit"}):
        return name in _TESTS
    test = _TESTS.get(name)
    return test is not None and bool(value) and test(value)


def _word(part: Part, words: AbstractSet[str]) -> bool:
    return part.type == "ident" and part.lower_value in words


def _length(part: Part, *, negative: bool = False, percent: bool = True) -> bool:
    known: bool = (
        (part.type == "dimension" and part.lower_unit in UNITS)
        or (part.type == "percentage" and percent)
        or (part.type == "number" and part.value == 0)
    )
    return known and (negative or bool(part.value >= 0))


def _number(part: Part) -> bool:
    return bool(part.type == "number" and part.value >= 0)


def _weight(part: Part) -> bool:
    return part.type == "number" and part.int_value in WEIGHTS


def _colour(part: Part) -> bool:
    # Functions have had other grammars since; hex and names have not.
    return part.type in {"ident", "hash"} and parse_color(part) is not None


def _upto(most: int, tests: Sequence[Test], value: Value) -> bool:
    return len(value) <= most and all(any(test(part) for test in tests) for part in value)


def _line(value: Value) -> bool:
    """A border: a width, a style and a colour, each at most once."""
    kinds = [next((kind for kind, test in LINE.items() if test(part)), None) for part in value]
    return None not in kinds and len(kinds) == len(set(kinds))


def _fonts(value: Value) -> bool:
    """Names between commas."""
    families: list[list[Part]] = [[]]
    for part in value:
        if part == ",":
            families.append([])
        else:
            families[-1].append(part)
    return all(map(_font, families))


def _font(family: Value) -> bool:
    """A string, or words none of which means something else."""
    if len(family) == 1 and family[0].type == "string":
        return True
    words = [part.lower_value for part in family if part.type == "ident"]
    return bool(words) and len(words) == len(family) and not NOT_A_FONT & set(words)


LINE: dict[str, Test] = {
    "width": lambda part: _length(part, percent=False) or _word(part, LINE_WIDTHS),
    "style": partial(_word, words=LINE_STYLES),
    "color": _colour,
}


def _tests() -> dict[str, Callable[[Value], bool]]:
    """Give for each property that has plain values a test for them."""
    parts: dict[str, list[Test]] = {
        name: [partial(_word, words=frozenset(words.split()))] for name, words in WORDS.items()
    }

    def also(test: Test, *names: str) -> None:
        for name in names:
            parts.setdefault(name, []).append(test)

    sizes = ("width", "height", "max-width", "max-height", "min-width", "min-height")
    paddings, margins = ([f"{box}-{side}" for side in SIDES] for box in ("padding", "margin"))
    also(_length, *sizes, *paddings, "padding", "font-size", "line-height", "border-radius")
    also(partial(_length, negative=True), *margins, "margin", "vertical-align", "text-indent")
    also(partial(_word, words={"auto"}), *margins, "margin")
    also(partial(_length, percent=False), "border-spacing")
    also(partial(_length, negative=True, percent=False), "letter-spacing", "word-spacing")
    also(_number, "line-height")
    also(_weight, "font-weight")
    also(_colour, "color", "background-color", "background")
    for kind, test in LINE.items():
        also(test, f"border-{kind}", *(f"border-{side}-{kind}" for side in SIDES))
    tests: dict[str, Callable[[Value], bool]] = {
        name: partial(_upto, MOST_PARTS.get(name, 1), given) for name, given in parts.items()
    }
    return {
        **tests,
        **dict.fromkeys(("border", *(f"border-{side}" for side in SIDES)), _line),
        "font-family": _fonts,
    }


_TESTS = _tests()
