"""The text of an HTML part in the order in which it is read, and what hides some of it. Pure.

Goes by style attributes, since that is where an inlined mail has its styles. Knows no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from publisher.gate.css.stylesheet import colour
from publisher.gate.html_document import styled

NO_TEXT = frozenset({"style", "script", "head", "title", "template", "noscript"})
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s"}
    | {"small", "span", "strong", "sub", "sup", "time", "u", "var", "del", "ins", "wbr", "img"}
)
# Letters of two pixels are there to be overlooked; an empty spacer has one.
SMALLEST_TYPE = 3.0
PIXELS = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:px|pt)?")
# What a property's value must be to hide what it is said of.
HIDING = {
    "display": re.compile("none"),
    "visibility": re.compile("hidden|collapse"),
    "mso-hide": re.compile("all"),
    "opacity": re.compile(r"0*\.?0*%?"),
    "max-height": re.compile("0[a-z%]*"),
    "height": re.compile("0[a-z%]*"),
    "text-indent": re.compile(r"-\d{3,}.*"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text and the element that it stands in, or a break between two blocks (None).

    `hidden` says what hides it, like `display:none on div`; None where readers see it.
    """

    text: str
    element: etree._Element | None
    hidden: str | None = None


BREAK = Piece("\n", None)


def pieces(tree: etree._Element) -> Iterator[Piece]:
    """Give all text, hidden or not, with breaks where blocks begin and end."""
    events = ("start", "end", "comment", "pi")
    around: list[tuple[etree._Element, str | None]] = []
    mute: etree._Element | None = None
    for event, element in etree.iterwalk(tree, events=events):
        if event == "start":
            hidden = _inherited(around[-1][1] if around else None, element)
            hidden = hidden or hiding(element)
            around.append((element, hidden))
            if mute is None and element.tag in NO_TEXT:
                mute = element
            if mute is None:
                if element.tag not in INLINE:
                    yield BREAK
                if element.text:
                    yield Piece(element.text, element, hidden)
            continue
        if event == "end":
            around.pop()
            if mute is None and element.tag not in INLINE:
                yield BREAK
            mute = None if mute is element else mute
        if mute is None and element.tail and around:
            yield Piece(element.tail, *around[-1])


def visible_text(tree: etree._Element) -> str:
    """Give the text that readers see; a line break stands for the edge of a block."""
    return "".join(
        piece.text if piece.element is None else re.sub(r"\s", " ", piece.text)
        for piece in pieces(tree)
        if piece.hidden is None
    )


def _inherited(hidden: str | None, element: etree._Element) -> str | None:
    """Hand down what hides an element; within letters of no size, some may have a size again."""
    sized = hidden is not None and hidden.startswith("font-size:")
    if sized and any(said.name == "font-size" for said in styled(element)):
        return None
    return hidden


def hiding(element: etree._Element) -> str | None:
    """Say what hides an element and all within it, as far as it says so itself."""
    if element.get("hidden") is not None:
        return f"hidden on {element.tag}"
    for said in styled(element):
        pattern = HIDING.get(said.name)
        value = said.value.lower()
        if (pattern and pattern.fullmatch(value)) or (
            said.name == "font-size" and _tiny(value)
        ):
            return f"{said.name}:{said.value} on {element.tag}"
    return None


def _tiny(size: str) -> bool:
    found = PIXELS.fullmatch(size)
    return found is not None and float(found[1]) < SMALLEST_TYPE


def camouflage(element: etree._Element) -> str | None:
    """Say if an element's text can't be told from what is behind it."""
    ink = _nearest(element, frozenset({"color"}), "")
    ground = _nearest(element, frozenset({"background-color", "background"}), "bgcolor")
    if ink and ink[1] == 0:
        return "a transparent colour"
    return f"{ink[0]} on {ground[0]}" if ink and ground and ink[0] == ground[0] else None


def _nearest(
    element: etree._Element, properties: frozenset[str], attribute: str
) -> tuple[str, float] | None:
    """Find the colour that an element has, or has from one around it: by style or attribute."""
    for one in (element, *element.iterancestors()):
        values = [said.value for said in styled(one) if said.name in properties]
        for value in (*reversed(values), one.get(attribute, "") if attribute else ""):
            found = colour(value)
            # Through a clear ground one sees the next.
            if found and (found[1] > 0 or not attribute):
                return found
    return None
