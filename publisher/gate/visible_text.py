"""The text of an HTML part in reading order, and what hides some of it.

Only style attributes and the `hidden` attribute are read: an inlined mail has its styles there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from publisher.gate.css.stylesheet import parse_colour, parse_declarations
from publisher.messages import message

_NO_TEXT = frozenset({"style", "script", "head", "title", "template", "noscript"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "del", "ins", "wbr", "img"}
)
# Pixels. Text of two pixels is not meant to be read; an empty spacer has one.
_SMALLEST_TEXT = 3.0
_PIXELS = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:px|pt)?")
# Values with which a property hides its element.
_HIDING = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "mso-hide": re.compile("all"),
    "opacity": re.compile(r"0*\.?0*%?"),
    "max-height": re.compile("0[a-z%]*"),
    "height": re.compile("0[a-z%]*"),
    "text-indent": re.compile(r"-\d{3,}.*"),
}
_SIZE = "font-size:"


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A text and its element, or a break between two blocks (element None).

    `hidden_by` is what hides it, such as `display:none on div`; None if it is visible.
    """

    text: str
    element: etree._Element | None
    hidden_by: str | None = None


_BREAK = TextPiece("\n", None)


def text_pieces(root: etree._Element) -> list[TextPiece]:
    """Return all text, visible or not, with breaks where blocks begin and end."""
    found: list[TextPiece] = []
    around: list[tuple[etree._Element, str | None]] = []
    mute: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event == "start":
            around.append((element, _hidden_by(element, around[-1][1] if around else None)))
            if mute is None and element.tag in _NO_TEXT:
                mute = element
        elif event == "end":
            around.pop()
        if mute is None and event in {"start", "end"} and element.tag not in _INLINE:
            found.append(_BREAK)
        if event == "start":
            if mute is None and element.text:
                found.append(TextPiece(element.text, *around[-1]))
            continue
        mute = None if mute is element else mute
        if mute is None and element.tail and around:
            found.append(TextPiece(element.tail, *around[-1]))
    return found


def join_visible(pieces: Iterable[TextPiece]) -> str:
    """Return the text that is visible; a line break stands for the edge of a block."""
    return "".join(
        [
            piece.text if piece.element is None else re.sub(r"\s", " ", piece.text)
            for piece in pieces
            if piece.hidden_by is None
        ]
    )


def _hidden_by(element: etree._Element, around: str | None) -> str | None:
    """Return what hides an element, `around` being what hides its parent."""
    style = element.get("style")
    has_size, hiding = _read_style(style) if style else (False, None)
    # Within text without a size, an element may have a size again.
    if around is not None and not (has_size and around.startswith(_SIZE)):
        return around
    if element.get("hidden") is not None:
        return f"hidden on {element.tag}"
    return f"{hiding} on {element.tag}" if hiding else None


@lru_cache(maxsize=1024)
def _read_style(style: str) -> tuple[bool, str | None]:
    """Return whether a style attribute has a font size, and its first declaration that hides."""
    has_size, hiding = False, None
    for declared in parse_declarations(style):
        value = declared.value.lower()
        pattern = _HIDING.get(declared.name)
        hides = pattern is not None and pattern.fullmatch(value) is not None
        if declared.name == "font-size":
            has_size = True
            found = _PIXELS.fullmatch(value)
            hides = found is not None and float(found[1]) < _SMALLEST_TEXT
        if hides and hiding is None:
            hiding = f"{declared.name}:{declared.value}"
    return has_size, hiding


def camouflage(element: etree._Element) -> str | None:
    """Return the colours of a text that has the colour of its background, None for others."""
    colour = _nearest_colour(element, frozenset({"color"}), "")
    background = _nearest_colour(
        element, frozenset({"background-color", "background"}), "bgcolor"
    )
    if colour and colour[1] == 0:
        return message("a transparent colour")
    if colour and background and colour[0] == background[0]:
        return f"{colour[0]} on {background[0]}"
    return None


def _nearest_colour(
    element: etree._Element, properties: frozenset[str], attribute: str
) -> tuple[str, float] | None:
    """Find the colour of an element, or of the nearest one around it that has one."""
    for one in (element, *element.iterancestors()):
        declarations = parse_declarations(one.get("style", ""))
        values = [one.value for one in declarations if one.name in properties]
        for value in (*reversed(values), one.get(attribute, "") if attribute else ""):
            found = parse_colour(value)
            # A transparent background shows the next one.
            if found and (found[1] > 0 or not attribute):
                return found
    return None
