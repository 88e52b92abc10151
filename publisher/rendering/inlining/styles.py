"""Style elements: the sheets of a document, and what is left in their place.

Knows where sheets stand, not what they say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from publisher.rendering.inlining import sheets, writing
from publisher.rendering.inlining.cascade import Settlement
from publisher.rendering.inlining.documents import fault, line_of
from publisher.rendering.inlining.hardened import IGNORE, MARK
from publisher.rendering.inlining.matching import Matches, Source
from publisher.rendering.inlining.sheets import Rule, SheetError

# All sheets of a mail together, in characters. Gmail takes 16 KB in the head; more may go into
# elements, but a sheet of this size would take seconds.
LARGEST = 150_000

# Browsers take no style element within these, or for their content alone.
NOT_WITHIN = ("math", "noscript", "svg", "template")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A style element and its sheet."""

    element: etree._Element
    source: Source

    @property
    def inlined(self) -> bool:
        """Say whether its rules go into elements."""
        return not (self.source.verbatim or self.source.media)


def find(root: etree._Element) -> list[Style]:
    """Read all sheets; raises RenderingError for one that is elsewhere, or has a fault."""
    for link in root.iter("link"):
        if "stylesheet" in link.get("rel", "").lower():
            raise fault(line_of(link), "a mail must not <link> to a style sheet")
    elements = [style for style in root.iter("style") if _is_css(style)]
    size = sum(len(style.text or "") for style in elements)
    if size > LARGEST:
        problem = f"the style sheets have {size} characters; a mail may have {LARGEST}"
        raise fault(line_of(elements[0]), problem)
    return [_style(element, number) for number, element in enumerate(elements)]


def _is_css(style: etree._Element) -> bool:
    """Say whether a browser takes it for a sheet; what is none is hidden from premailer."""
    if style.get("type", "").lower() in {"", "text/css"}:
        return True
    style.set(MARK, IGNORE)
    return False


def _style(element: etree._Element, number: int) -> Style:
    mark = element.get(MARK)
    if mark not in {None, IGNORE}:
        raise fault(line_of(element), f"{MARK} can be {IGNORE!r}, and nothing else")
    if element.get("title"):
        raise fault(line_of(element), "a <style> must not have a title: it may be turned off")
    if next(element.iterancestors(*NOT_WITHIN), None) is not None:
        raise fault(line_of(element), f"a <style> must not stand in {', '.join(NOT_WITHIN)}")
    media = " ".join(element.get("media", "").lower().split())
    line = line_of(element)
    verbatim = mark == IGNORE
    try:
        sheet = sheets.parse(element.text or "", verbatim=verbatim)
    except SheetError as found:
        raise fault(line + found.line - 1, str(found)) from None
    source = Source(
        number=number,
        sheet=sheet,
        line=line,
        media="" if media == "all" else media,
        verbatim=verbatim,
    )
    return Style(element=element, source=source)


def leave(found: Iterable[Style], matches: Matches, settlement: Settlement) -> None:
    """Put what must stay of each sheet in its place, hidden from premailer."""
    for style in found:
        if style.source.verbatim:
            continue
        left = _left(style.source, matches, settlement)
        if "</style" in left.lower():
            raise fault(style.source.line, "a style sheet must not hold `</style`")
        if style.inlined:
            _replace(style.element, left)
        else:
            style.element.text = left
            style.element.set(MARK, IGNORE)


def _left(source: Source, matches: Matches, settlement: Settlement) -> str:
    def kept(rule: Rule) -> tuple[str, str]:
        key = (source.number, rule.number)
        return ", ".join(matches.kept.get(key, ())), ", ".join(matches.used.get(key, ()))

    return writing.head(source.sheet, source.number, settlement, kept)


def _replace(element: etree._Element, left: str) -> None:
    """Put what is left before the element, which premailer takes away with the text after it."""
    if "media" in element.attrib:
        del element.attrib["media"]
    if left or next(element.iterancestors("body"), None) is not None:
        # Among what a mail shows an empty one stays as well: selectors count it.
        kept = etree.Element("style")
        kept.attrib.update(element.attrib)
        kept.set(MARK, IGNORE)
        kept.text = left and f"\n{left}"
        kept.tail, element.tail = element.tail, None
        element.addprevious(kept)


def unmark(root: etree._Element) -> None:
    """Take away the marks that premailer leaves where a style element has other media."""
    for style in root.iter("style"):
        if MARK in style.attrib:
            del style.attrib[MARK]
