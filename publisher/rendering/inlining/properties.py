"""Which properties set the same things: shorthands and longhands, logical and physical names.

A property sets slots, most of them longhands; two declarations compete when they share one. Where
a name is not in the tables, its first word is its slot, so that strangers compete too often
rather than never. Knows no value and no rule.

Sources: CSS Box 4, Backgrounds 3, Fonts 4, Text 4, Text Decoration 3, Logical Properties 1,
Positioned Layout 3, Flexbox 1, Grid 2, Align 3, Overflow 3; a test holds this against Chromium.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from publisher.rendering.inlining.words import words

SIDES = ("top", "right", "bottom", "left")
CORNERS = ("top-left", "top-right", "bottom-right", "bottom-left")
LOGICAL_CORNERS = ("start-start", "start-end", "end-start", "end-end")
BORDER_PARTS = ("width", "style", "color")

# Names that set what another name sets, or several; the first word would not tell.
SHORTHANDS: dict[str, tuple[str, ...]] = {
    "background": (
        *(f"background-{part}" for part in ("attachment", "clip", "color", "image", "origin")),
        *(f"background-{part}" for part in ("position-x", "position-y", "repeat", "size")),
    ),
    "background-position": ("background-position-x", "background-position-y"),
    "columns": ("column-width", "column-count", "column-height", "column-wrap"),
    "flex-flow": ("flex-direction", "flex-wrap"),
    "flex": ("flex-grow", "flex-shrink", "flex-basis"),
    "font": (
        *("font-style", "font-variant", "font-weight", "font-stretch", "font-size"),
        *("line-height", "font-family", "font-other"),
    ),
    "gap": ("row-gap", "column-gap"),
    "grid-gap": ("row-gap", "column-gap"),
    "list-style": ("list-style-type", "list-style-position", "list-style-image"),
    "outline": ("outline-width", "outline-style", "outline-color"),
    "overflow": ("overflow-x", "overflow-y"),
    "place-content": ("align-content", "justify-content"),
    "place-items": ("align-items", "justify-items"),
    "place-self": ("align-self", "justify-self"),
    "text-decoration": tuple(
        f"text-decoration-{p}" for p in ("line", "style", "color", "thickness")
    ),
    "text-emphasis": ("text-emphasis-style", "text-emphasis-color"),
    "text-wrap": ("text-wrap-mode", "text-wrap-style"),
    "white-space": ("white-space-collapse", "text-wrap-mode"),
}

# Older or logical names: what they set is certain, or lies among these.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "grid-column-gap": ("column-gap",),
    "grid-row-gap": ("row-gap",),
    "inline-size": ("width", "height"),
    "block-size": ("width", "height"),
    "max-inline-size": ("max-width", "max-height"),
    "max-block-size": ("max-width", "max-height"),
    "min-inline-size": ("min-width", "min-height"),
    "min-block-size": ("min-width", "min-height"),
    "overflow-block": ("overflow-x", "overflow-y"),
    "overflow-inline": ("overflow-x", "overflow-y"),
    "page-break-after": ("break-after",),
    "page-break-before": ("break-before",),
    "page-break-inside": ("break-inside",),
    "column-break-after": ("break-after",),
    "column-break-before": ("break-before",),
    "column-break-inside": ("break-inside",),
    "font-width": ("font-stretch",),
    "word-wrap": ("overflow-wrap",),
    "logical-width": ("width", "height"),
    "logical-height": ("width", "height"),
    "min-logical-width": ("min-width", "min-height"),
    "min-logical-height": ("min-width", "min-height"),
    "max-logical-width": ("max-width", "max-height"),
    "max-logical-height": ("max-width", "max-height"),
}

# Names that begin so set one slot: hardly anybody writes them, and nobody two of them.
LUMPS = {
    "font-variant": "font-variant",
    "font-": "font-other",
    "border-image": "border-image",
    "column-rule": "rule",
    "row-rule": "rule",
    "rule": "rule",
}

# Their first word says nothing: each of these sets itself and nothing else.
SINGLE = words(
    """
    border-collapse border-spacing box-shadow box-sizing break-after break-before
    break-inside caption-side clip clip-path color color-scheme column-fill column-gap
    column-span content counter-increment counter-reset cursor direction display
    empty-cells float height hyphens letter-spacing line-break max-height max-width
    min-height min-width object-fit object-position opacity order orphans overflow-wrap
    position quotes resize row-gap tab-size table-layout text-align text-align-last
    text-indent text-justify text-orientation text-overflow text-rendering text-shadow
    text-size-adjust text-transform text-underline-offset text-underline-position transform
    transform-origin unicode-bidi vertical-align visibility width widows word-break
    word-spacing writing-mode z-index zoom
    """
)


def _tables() -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Give the slots of each name, and the names that certainly set all of their slots."""
    certain: dict[str, Iterable[str]] = {name: (name,) for name in SINGLE}
    perhaps: dict[str, Iterable[str]] = dict(OTHER_NAMES)
    for name, longhands in SHORTHANDS.items():
        certain |= {longhand: (longhand,) for longhand in longhands} | {name: longhands}
    for box in ("margin", "padding"):
        certain |= {f"{box}-{side}": (f"{box}-{side}",) for side in SIDES}
        certain[box] = [f"{box}-{side}" for side in SIDES]
        perhaps |= dict.fromkeys(_logical(box), tuple(certain[box]))
    certain |= {side: (side,) for side in SIDES} | {"inset": SIDES}
    perhaps |= dict.fromkeys(_logical("inset"), SIDES)
    for part in BORDER_PARTS:
        sides = [f"border-{side}-{part}" for side in SIDES]
        certain |= {name: (name,) for name in sides} | {f"border-{part}": sides}
        perhaps |= {f"{name}-{part}": sides for name in _logical("border")}
    for side in SIDES:
        certain[f"border-{side}"] = [f"border-{side}-{part}" for part in BORDER_PARTS]
    every_side = [name for side in SIDES for name in certain[f"border-{side}"]]
    certain["border"] = [*every_side, "border-image"]
    perhaps |= dict.fromkeys(_logical("border"), tuple(every_side))
    perhaps |= {f"border-{p}-spacing": ("border-spacing",) for p in ("horizontal", "vertical")}
    corners = [f"border-{corner}-radius" for corner in CORNERS]
    certain |= {name: (name,) for name in corners} | {"border-radius": corners}
    perhaps |= {f"border-{corner}-radius": corners for corner in LOGICAL_CORNERS}
    slots = {name: frozenset(set_by) for name, set_by in {**perhaps, **certain}.items()}
    return slots, frozenset(certain)


def _logical(box: str) -> list[str]:
    """Name a box's sides along and across the lines; the last four are WebKit's first names."""
    axes = [
        f"{box}-{axis}{end}" for axis in ("inline", "block") for end in ("", "-start", "-end")
    ]
    return [*axes, *(f"{box}-{end}" for end in ("start", "end", "before", "after"))]


_SLOTS, _CERTAIN = _tables()


@lru_cache(maxsize=4096)
def slots(name: str) -> frozenset[str]:
    """Give the slots that a property sets, or perhaps sets; never too few."""
    if name.startswith("--"):
        return frozenset((name,))
    plain = name.removeprefix("-webkit-")
    if plain in _SLOTS:
        return _SLOTS[plain]
    if lump := next((slot for begin, slot in LUMPS.items() if plain.startswith(begin)), None):
        return frozenset((lump,))
    stem = name if name.startswith(("-", "mso-")) and plain == name else plain.split("-")[0]
    return frozenset((stem,))


@lru_cache(maxsize=4096)
def certain_slots(name: str) -> frozenset[str]:
    """Give the slots that a property certainly sets, in every browser; never too many."""
    return slots(name) if name in _CERTAIN or name.startswith("--") else frozenset()


def families(names: Iterable[str]) -> dict[str, str]:
    """Give for each slot that these properties set its family: slots that a shorthand ties.

    Only shorthands that are among the names tie: where nobody writes `font`, its longhands are
    each on their own.
    """
    family: dict[str, str] = {}
    for name in names:
        members = slots(name)
        tied = {family.get(slot, slot) for slot in members}
        family |= dict.fromkeys(members, min(tied))
        family |= {slot: min(tied) for slot, known in family.items() if known in tied}
    return family
