"""The computed style of each element: colours, font, language and direction.

Computed from the root down, with the defaults of browsers. Images count as
blocked, so that the background is always a colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from publisher.colours import BLACK, WHITE, contrast, mix
from publisher.gate.css.cascade import Declared
from publisher.gate.css.stylesheet import Declaration, parse_colour
from publisher.gate.css.values import (
    KEYWORD_SIZES,
    ROOT_SIZE,
    legacy_colour,
    longhands,
    opacity_of,
    pixels,
    plain_number,
)

# What Apple Mail shows behind a mail that supports dark mode, and the text on it.
_DARK_CANVAS, _DARK_TEXT, _DARK_LINK = "#1e1e1e", WHITE, "#9e9eff"
_LINK = "#0000ee"

# Font sizes of elements, as a multiple of the size around them.
_SCALES = {
    "h1": 2.0,
    "h2": 1.5,
    "h3": 1.17,
    "h5": 0.83,
    "h6": 0.67,
    "small": 0.83,
    "sub": 0.83,
    "sup": 0.83,
}
# <font size=1> to 7.
_FONT_SIZES = ("x-small", "small", "medium", "large", "x-large", "xx-large", "xx-large")
# From this weight on text is bold (CSS Fonts).
_BOLD_FROM = 700
_BOLD = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_ITALIC = frozenset({"i", "em", "cite", "dfn", "var", "address"})
_UNDERLINED = frozenset({"u", "ins"})
_NOT_SHOWN = frozenset({"head", "style", "script", "title", "template", "noscript", "object"})
# Webmail shows the content of these and removes the elements.
_REMOVED_BY_WEBMAIL = frozenset({"html", "body"})
# Attributes that take part in the style.
_HINTS = (
    "bgcolor", "color", "text", "size", "dir", "lang", "align", "hidden", "href", "link",
    "xml:lang",
)  # fmt: skip
# Properties that take part in it.
_FONT = frozenset(
    {"font-size", "font-weight", "font-style", "font-family", "line-height", "letter-spacing"}
    | {"mso-line-height-rule"}
)
_COLOUR = frozenset(
    {"background-color", "color", "opacity", "text-decoration", "text-decoration-line"}
)
_LAYOUT = frozenset(
    {"display", "visibility", "opacity", "overflow", "max-height", "height"}
    | {"direction", "text-align"}
)
_Changes = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyle:
    """How the text of an element is shown.

    Colours are `#rrggbb`; `alpha` is the opacity of the text's colour, `opacity` that of all
    elements around it. `size` and `line_height` are pixels, `line_height_factor` is a line
    height without a unit; if both are None, the font decides. `direction` is ltr, rtl or auto,
    `webmail_direction` the direction without <html> and <body>. `has_exact_line_height` says
    whether Outlook uses the line height as it is given.
    """

    colour: str = BLACK
    background: str = WHITE
    alpha: float = 1.0
    opacity: float = 1.0
    size: float = ROOT_SIZE
    line_height: float | None = None
    line_height_factor: float | None = None
    is_bold: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_hidden: bool = False
    has_letter_spacing: bool = False
    align: str = ""
    font_family: str = ""
    language: str = ""
    direction: str = "ltr"
    webmail_direction: str = "ltr"
    link_colour: str = _LINK
    has_exact_line_height: bool = False

    @property
    def seen_colour(self) -> str:
        """The colour of the text, mixed with the background that shows through."""
        return mix(self.background, self.colour, self.alpha * self.opacity)

    @property
    def contrast(self) -> float:
        """The contrast of the text and its background, 1 to 21 (WCAG 2.2)."""
        return contrast(self.seen_colour, self.background)

    @property
    def leading(self) -> float | None:
        """The line height as a multiple of the font size; None if the font decides."""
        if self.line_height is None or not self.size:
            return self.line_height_factor
        return self.line_height / self.size


@dataclass(frozen=True, slots=True)
class ShownText:
    """A text that is visible, its element, and how it is shown."""

    element: etree._Element
    text: str
    style: ComputedStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedStyles:
    """A document in light or in dark mode: the style of each element, the texts in order."""

    by_element: dict[etree._Element, ComputedStyle]
    texts: tuple[ShownText, ...]


def compute_styles(
    own_texts: Mapping[etree._Element, Sequence[str]],
    declared: Declared,
    *,
    on_dark: bool = False,
) -> ComputedStyles:
    """Compute the style of each element; `on_dark` says that the canvas is dark.

    `own_texts` are the elements in document order, each with the texts that stand in it.
    """
    start = ComputedStyle()
    if on_dark:
        start = replace(
            start, colour=_DARK_TEXT, background=_DARK_CANVAS, link_colour=_DARK_LINK
        )
    styles: dict[etree._Element, ComputedStyle] = {}
    known: dict[tuple[object, ...], ComputedStyle] = {}
    for element in own_texts:
        parent = element.getparent()
        above = styles[parent] if parent is not None else start
        applied = declared[element]
        hints = map(element.get, _HINTS) if element.keys() else ()
        key = (id(above), element.tag, *hints, id(applied))
        style = known.get(key)
        if style is None:
            style = known[key] = _style(element, above, applied)
        styles[element] = style
    return ComputedStyles(by_element=styles, texts=_shown_texts(styles, own_texts))


def _shown_texts(
    styles: dict[etree._Element, ComputedStyle],
    own_texts: Mapping[etree._Element, Sequence[str]],
) -> tuple[ShownText, ...]:
    found = []
    for element, style in styles.items():
        # Text below one pixel is not seen; elements within it may have a size again.
        if style.is_hidden or style.size < 1:
            continue
        text = " ".join(own_texts[element])
        if any(map(str.isalnum, text)):
            found.append(ShownText(element, text, style))
    return tuple(found)


def language_of(element: etree._Element) -> str:
    """Return the language tag that an element itself has, as it is written."""
    return element.get("lang") or element.get("xml:lang") or ""


def _style(
    element: etree._Element, above: ComputedStyle, applied: Iterable[Declaration]
) -> ComputedStyle:
    values = longhands(applied)
    changes = _of_tag(element, above)
    if element.keys():
        changes |= _of_attributes(element, above)
    if not _FONT.isdisjoint(values):
        changes |= _font(values, changes, above)
    if not _COLOUR.isdisjoint(values):
        changes |= _colours(values, above)
    if not _LAYOUT.isdisjoint(values):
        changes |= _layout(element, values, changes, above)
    # With nothing changed the parent's style is shared, and what is computed of it.
    return replace(above, **changes) if changes else above


def _of_tag(element: etree._Element, above: ComputedStyle) -> _Changes:
    tag = element.tag
    changes: _Changes = {}
    if tag in _SCALES:
        changes["size"] = above.size * _SCALES[tag]
    if tag in _BOLD:
        changes["is_bold"] = True
    if tag in _ITALIC:
        changes["is_italic"] = True
    if tag in _UNDERLINED:
        changes["is_underlined"] = True
    if tag == "a" and element.get("href") is not None:
        changes |= {"is_underlined": True, "colour": above.link_colour, "alpha": 1.0}
    if tag in _NOT_SHOWN or element.get("hidden") is not None:
        changes["is_hidden"] = True
    return changes


def _of_attributes(element: etree._Element, above: ComputedStyle) -> _Changes:
    changes: _Changes = {}
    tag = element.tag
    if background := legacy_colour(element.get("bgcolor")):
        changes["background"] = background
    named = {"font": "color", "body": "text"}.get(str(tag), "")
    if named and (colour := legacy_colour(element.get(named))):
        changes["colour"] = colour
    if tag == "body" and (link := legacy_colour(element.get("link"))):
        changes["link_colour"] = link
    if tag == "font" and (size := element.get("size", "")) in {*"1234567"}:
        changes["size"] = KEYWORD_SIZES[_FONT_SIZES[int(size) - 1]]
    if (direction := element.get("dir", "").lower()) in {"ltr", "rtl", "auto"}:
        changes["direction"] = direction
        removed = tag in _REMOVED_BY_WEBMAIL
        changes["webmail_direction"] = above.webmail_direction if removed else direction
    if language := language_of(element):
        changes["language"] = language
    if align := element.get("align", "").lower():
        changes["align"] = align
    return changes


def _font(values: dict[str, str], changes: _Changes, above: ComputedStyle) -> _Changes:
    found: _Changes = {}
    size = changes.get("size", above.size)
    if asked := values.get("font-size"):
        stated = KEYWORD_SIZES.get(asked) or pixels(asked, above.size)
        size = found["size"] = size if stated is None else stated
    if weight := values.get("font-weight"):
        found["is_bold"] = _is_bold(weight, changes.get("is_bold", above.is_bold))
    if slant := values.get("font-style"):
        found["is_italic"] = slant.startswith(("italic", "oblique"))
    if family := values.get("font-family"):
        found["font_family"] = family
    if height := values.get("line-height"):
        factor = found["line_height_factor"] = plain_number(height)
        found["line_height"] = pixels(height, size) if factor is None else None
    if spacing := values.get("letter-spacing"):
        found["has_letter_spacing"] = bool(pixels(spacing, size))
    if rule := values.get("mso-line-height-rule"):
        found["has_exact_line_height"] = rule == "exactly"
    return found


def _is_bold(weight: str, before: bool) -> bool:
    number = plain_number(weight)
    if number is not None:
        return number >= _BOLD_FROM
    return {"bold": True, "bolder": True, "normal": False, "lighter": False}.get(weight, before)


def _colours(values: dict[str, str], above: ComputedStyle) -> _Changes:
    found: _Changes = {}
    asked = values.get("background-color", "")
    if background := parse_colour(asked):
        found["background"] = mix(above.background, background[0], background[1])
    elif asked in {"transparent", "inherit"}:
        found["background"] = above.background
    asked = values.get("color", "")
    if colour := parse_colour(asked):
        found |= {"colour": colour[0], "alpha": colour[1]}
    elif asked == "inherit":
        found |= {"colour": above.colour, "alpha": above.alpha}
    opacity = opacity_of(values["opacity"]) if "opacity" in values else None
    if opacity is not None:
        found["opacity"] = above.opacity * opacity
    decoration = values.get("text-decoration-line") or values.get("text-decoration")
    if decoration:
        found["is_underlined"] = "underline" in decoration
    return found


def _layout(
    element: etree._Element, values: dict[str, str], changes: _Changes, above: ComputedStyle
) -> _Changes:
    found: _Changes = {}
    if _hides(values):
        found["is_hidden"] = True
    if (direction := values.get("direction")) in {"ltr", "rtl"}:
        before = changes.get("webmail_direction", above.webmail_direction)
        removed = element.tag in _REMOVED_BY_WEBMAIL
        found["direction"] = direction
        found["webmail_direction"] = before if removed else direction
    if align := values.get("text-align"):
        found["align"] = align
    return found


def _hides(values: dict[str, str]) -> bool:
    return (
        values.get("display") == "none"
        or values.get("visibility") in {"hidden", "collapse"}
        or pixels(values.get("opacity", ""), 1) == 0
        or (
            values.get("overflow") == "hidden"
            and 0 in {pixels(values.get(name, ""), 1) for name in ("max-height", "height")}
        )
    )
