"""What an element looks like to its reader: ink, ground, size, language, direction.

Computed from the top down, with what browsers do by themselves where a mail says nothing.
Pictures are taken for blocked, so a ground is always a colour. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from lxml import etree

from publisher.colours import BLACK, WHITE, mix
from publisher.gate.css.cascade import Cascade, cascade, is_dark
from publisher.gate.css.stylesheet import Declaration, colour
from publisher.gate.css.values import (
    BOLD_FROM,
    FONT_SIZES,
    LENGTH,
    ROOT_SIZE,
    SIZES,
    WEIGHT,
    effects,
    legacy_colour,
    length,
    share,
)
from publisher.gate.html_document import Page, page
from publisher.gate.mail import CheckedMail

# What Apple Mail puts behind a mail that says that it can be dark, and the ink on it.
DARK_CANVAS, DARK_INK, DARK_LINK = "#1e1e1e", WHITE, "#9e9eff"
LINK = "#0000ee"

SCALES = {
    "h1": 2.0,
    "h2": 1.5,
    "h3": 1.17,
    "h5": 0.83,
    "h6": 0.67,
    "small": 0.83,
    "sub": 0.83,
    "sup": 0.83,
}
BOLD = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
ITALIC = frozenset({"i", "em", "cite", "dfn", "var", "address"})
UNDERLINED = frozenset({"u", "ins"})
NOT_SHOWN = frozenset({"head", "style", "script", "title", "template", "noscript", "object"})
# Webmail shows what is in these and throws them away.
DISCARDED = frozenset({"html", "body"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyle:
    """How an element's own text is shown.

    Colours are `#rrggbb`; `alpha` is the ink's own opacity, `fade` that of all around it. `size`
    and `leading` are pixels, `ratio` is a line height without a unit; where both are None the
    font decides. `direction` is ltr, rtl or auto, and `webmail` what is left of it when <html>
    and <body> are gone. `exact` tells whether Outlook takes the line height as it is said.
    """

    ink: str = BLACK
    ground: str = WHITE
    alpha: float = 1.0
    fade: float = 1.0
    size: float = ROOT_SIZE
    leading: float | None = None
    ratio: float | None = None
    bold: bool = False
    italic: bool = False
    underlined: bool = False
    hidden: bool = False
    spaced: bool = False
    align: str = ""
    family: str = ""
    language: str = ""
    direction: str = "ltr"
    webmail: str = "ltr"
    link: str = LINK
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of text that is seen, whose it is, and what it looks like."""

    element: etree._Element
    text: str
    look: ComputedStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """A page in one scheme: every element's look, and its texts in document order."""

    by_element: dict[etree._Element, ComputedStyle]
    texts: tuple[Shown, ...]


@lru_cache(maxsize=2)
def styles_of(mail: CheckedMail) -> Cascade:
    """Give the style sheets of a mail's page."""
    return cascade(page(mail))


@lru_cache(maxsize=4)
def looks(mail: CheckedMail, *, dark: bool = False) -> Looks:
    """Compute what a mail looks like in light or in dark."""
    seen = page(mail)
    sheets = styles_of(mail)
    start = ComputedStyle()
    if dark and takes_dark(seen):
        start = ComputedStyle(ink=DARK_INK, ground=DARK_CANVAS, link=DARK_LINK)
    found: dict[etree._Element, ComputedStyle] = {}
    known: dict[tuple[object, ...], ComputedStyle] = {}
    for element in seen.elements:
        parent = element.getparent()
        above = found[parent] if parent is not None else start
        applied = sheets.applied(element, dark=dark)
        hints = tuple(element.get(name) for name in HINTS)
        key = (above, element.tag, hints, id(applied))
        look = known.get(key)
        if look is None:
            look = known[key] = _look(element, above, applied)
        found[element] = look
    return Looks(by_element=found, texts=tuple(_texts(found)))


def takes_dark(seen: Page) -> bool:
    """Tell whether a mail says that it can be dark: then its canvas is, too."""
    metas = (m for m in seen.tagged("meta") if m.get("name", "").lower() == "color-scheme")
    if any("dark" in meta.get("content", "").lower() for meta in metas):
        return True
    return any(
        declared.name == "color-scheme" and "dark" in declared.words
        for block in seen.blocks
        for rule in block.sheet.rules
        for declared in rule.declarations
    )


def has_dark(seen: Page) -> bool:
    """Tell whether a mail has rules for dark mode."""
    return any(is_dark(rule.within) for block in seen.blocks for rule in block.sheet.rules)


def _texts(found: dict[etree._Element, ComputedStyle]) -> Iterator[Shown]:
    for element, look in found.items():
        # Letters of no size are not seen; elements within may have a size again.
        if look.hidden or look.size < 1:
            continue
        held = [element.text, *(child.tail for child in element)]
        text = " ".join(piece for piece in held if piece)
        if any(sign.isalnum() for sign in text):
            yield Shown(element, text, look)


# Attributes that say what an element looks like; together with styles they decide.
HINTS = (
    "bgcolor", "color", "text", "size", "dir", "lang", "align", "hidden", "href", "link",
    "xml:lang",
)  # fmt: skip


Changes = dict[str, Any]


def _look(
    element: etree._Element, above: ComputedStyle, applied: Iterable[Declaration]
) -> ComputedStyle:
    values = effects(applied)
    changes = _by_tag(element, above) | _by_attributes(element, above)
    changes |= _font(values, changes, above)
    changes |= _colours(values, above)
    changes |= _flow(element, values, changes, above)
    return replace(above, **changes)


def _by_tag(element: etree._Element, above: ComputedStyle) -> Changes:
    tag = str(element.tag)
    changes: Changes = {}
    if tag in SCALES:
        changes["size"] = above.size * SCALES[tag]
    if tag in BOLD:
        changes["bold"] = True
    if tag in ITALIC:
        changes["italic"] = True
    if tag in UNDERLINED:
        changes["underlined"] = True
    if tag == "a" and element.get("href") is not None:
        changes |= {"underlined": True, "ink": above.link, "alpha": 1.0}
    if tag in NOT_SHOWN or element.get("hidden") is not None:
        changes["hidden"] = True
    return changes


def _by_attributes(element: etree._Element, above: ComputedStyle) -> Changes:
    changes: Changes = {}
    tag = element.tag
    if ground := legacy_colour(element.get("bgcolor")):
        changes["ground"] = ground
    named = {"font": "color", "body": "text"}.get(str(tag), "")
    if named and (ink := legacy_colour(element.get(named))):
        changes["ink"] = ink
    if tag == "body" and (link := legacy_colour(element.get("link"))):
        changes["link"] = link
    size = element.get("size", "")
    if tag == "font" and size in FONT_SIZES:
        changes["size"] = SIZES[FONT_SIZES[size]]
    if (direction := element.get("dir", "").lower()) in {"ltr", "rtl", "auto"}:
        changes["direction"] = direction
        changes["webmail"] = above.webmail if tag in DISCARDED else direction
    if language := language_of(element):
        changes["language"] = language
    if align := element.get("align", "").lower():
        changes["align"] = align
    return changes


def language_of(element: etree._Element) -> str:
    """Give the language that an element states for itself, as it is written."""
    return element.get("lang") or element.get("xml:lang") or ""


def _font(values: dict[str, str], changes: Changes, above: ComputedStyle) -> Changes:
    if not values.keys() & FONT_PROPERTIES:
        return {}
    found: Changes = {}
    size = changes.get("size", above.size)
    if asked := values.get("font-size"):
        stated = SIZES.get(asked) or length(asked, above.size)
        size = found["size"] = size if stated is None else stated
    if weight := values.get("font-weight"):
        found["bold"] = _bold(weight, changes.get("bold", above.bold))
    if slant := values.get("font-style"):
        found["italic"] = slant.startswith(("italic", "oblique"))
    if family := values.get("font-family"):
        found["family"] = family
    if leading := values.get("line-height"):
        number = LENGTH.fullmatch(leading)
        plain = number is not None and not number[2]
        found["ratio"] = float(leading) if plain else None
        found["leading"] = None if plain else length(leading, size)
    if spacing := values.get("letter-spacing"):
        found["spaced"] = bool(length(spacing, size))
    if rule := values.get("mso-line-height-rule"):
        found["exact"] = rule == "exactly"
    return found


FONT_PROPERTIES = frozenset(
    {
        "font-size", "font-weight", "font-style", "font-family", "line-height",
        "letter-spacing", "mso-line-height-rule",
    }
)  # fmt: skip


def _bold(weight: str, before: bool) -> bool:
    if WEIGHT.fullmatch(weight):
        return int(weight) >= BOLD_FROM
    return {"bold": True, "bolder": True, "normal": False, "lighter": False}.get(weight, before)


def _colours(values: dict[str, str], above: ComputedStyle) -> Changes:
    found: Changes = {}
    if ground := colour(values.get("background-color", "")):
        found["ground"] = mix(above.ground, ground[0], ground[1])
    elif values.get("background-color") in {"transparent", "inherit"}:
        found["ground"] = above.ground
    asked = values.get("color", "")
    if ink := colour(asked):
        found |= {"ink": ink[0], "alpha": ink[1]}
    elif asked == "inherit":
        found |= {"ink": above.ink, "alpha": above.alpha}
    if (fade := share(values.get("opacity", ""))) is not None:
        found["fade"] = above.fade * fade
    decoration = values.get("text-decoration-line") or values.get("text-decoration")
    if decoration:
        found["underlined"] = "underline" in decoration
    return found


def _flow(
    element: etree._Element, values: dict[str, str], changes: Changes, above: ComputedStyle
) -> Changes:
    found: Changes = {}
    if _hides(values):
        found["hidden"] = True
    if (direction := values.get("direction")) in {"ltr", "rtl"}:
        before = changes.get("webmail", above.webmail)
        found["direction"] = direction
        found["webmail"] = before if element.tag in DISCARDED else direction
    if align := values.get("text-align"):
        found["align"] = align
    return found


def _hides(values: dict[str, str]) -> bool:
    def nothing(name: str) -> bool:
        return name in values and length(values[name], 1) == 0

    return (
        values.get("display") == "none"
        or values.get("visibility") in {"hidden", "collapse"}
        or nothing("opacity")
        or (values.get("overflow") == "hidden" and (nothing("max-height") or nothing("height")))
    )
