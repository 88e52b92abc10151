"""The HTML part of a mail: elements, style sheets, comments, and the style of each element.

It is parsed once per mail. What takes long is computed when a check first needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree

from publisher.gate.css.cascade import Declared, cascade, is_dark_only
from publisher.gate.css.computed_style import ComputedStyles, compute_styles
from publisher.gate.css.stylesheet import AtRule, StyleSheet, parse_stylesheet
from publisher.gate.findings import Finding, Rule
from publisher.gate.visible_text import TextPiece, join_visible, text_pieces

# Four times what Gmail shows. A longer part can't be sent whatever is in it, and looking at its
# elements would take a minute.
MOST_CHARACTERS = 300_000
# Elements that are nested deeper are counted, but not looked at. Mail clients don't show them.
_DEEPEST = 250
# Characters of a quotation in a finding: enough to find the place.
_QUOTED = 60
# So many times that is read, since white space is put together.
_READ = 10
_CONDITION = re.compile(r"\s*\[\s*if\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StyleBlock:
    """A <style>: its CSS, its place, and its line in the part."""

    element: etree._Element
    css: str
    sheet: StyleSheet
    is_in_head: bool
    line: int

    @property
    def within(self) -> tuple[AtRule, ...]:
        """The media attribute, as the at-rule that it stands for."""
        asked = self.element.get("media", "").strip()
        return (AtRule("media", asked, 1, 0),) if asked else ()


@dataclass(frozen=True, slots=True)
class HtmlComment:
    """A comment, and its line in the part."""

    text: str
    line: int

    @property
    def is_conditional(self) -> bool:
        """Whether Outlook for Windows reads it (`<!--[if mso]>`)."""
        return bool(_CONDITION.match(self.text))


class HtmlDocument:
    """The parsed HTML part of one mail; `depth` is how deep its elements are nested.

    `own_texts` are the elements in document order, each with the texts that stand in it and in
    no other element. If the part is missing or longer than MOST_CHARACTERS, there are none.
    """

    def __init__(self, html: str) -> None:
        self.root = _parsed(html)
        self.own_texts: dict[etree._Element, list[str]] = {}
        self.comments: list[HtmlComment] = []
        self.depth = 0
        if html.strip() and len(html) <= MOST_CHARACTERS:
            self._walk()
        self.elements = tuple(self.own_texts)
        self.style_blocks = tuple([_style_block(one) for one in self.tagged("style")])

    def _walk(self) -> None:
        depth = 0
        for event, node in etree.iterwalk(self.root, events=("start", "end", "comment")):
            if event == "comment":
                self.comments.append(HtmlComment(node.text or "", node.sourceline or 1))
            elif event == "end":
                depth -= 1
            else:
                depth += 1
                self.depth = max(self.depth, depth)
                if depth <= _DEEPEST:
                    tails = [child.tail for child in node] if len(node) else ()
                    self.own_texts[node] = [*filter(None, (node.text, *tails))]

    def tagged(self, *tags: str) -> Iterator[etree._Element]:
        """Return the elements with one of some tags, in document order."""
        return iter([element for element in self.elements if element.tag in tags])

    @cached_property
    def _declared(self) -> tuple[Declared, Declared]:
        sheets = [(block.sheet, block.within) for block in self.style_blocks]
        return cascade(self.root, self.elements, sheets)

    @property
    def declared(self) -> Declared:
        """The declarations that apply to each element in light mode, those that win last."""
        return self._declared[0]

    @cached_property
    def styles(self) -> ComputedStyles:
        """The computed styles in light mode."""
        return compute_styles(self.own_texts, self._declared[0])

    @cached_property
    def dark_styles(self) -> ComputedStyles:
        """The computed styles in dark mode."""
        return compute_styles(self.own_texts, self._declared[1], on_dark=self.supports_dark)

    @cached_property
    def supports_dark(self) -> bool:
        """Whether the mail says that it supports dark mode, so that its canvas is dark."""
        metas = [m for m in self.tagged("meta") if m.get("name", "").lower() == "color-scheme"]
        return any("dark" in meta.get("content", "").lower() for meta in metas) or any(
            declared.name == "color-scheme" and "dark" in declared.words
            for block in self.style_blocks
            for rule in block.sheet.rules
            for declared in rule.declarations
        )

    @cached_property
    def has_dark_rules(self) -> bool:
        """Whether the mail has rules for dark mode."""
        rules = [rule for block in self.style_blocks for rule in block.sheet.rules]
        return any(is_dark_only(within) for within in {rule.within for rule in rules})

    @cached_property
    def text_pieces(self) -> list[TextPiece]:
        """All text in reading order, visible or not."""
        return text_pieces(self.root)

    @cached_property
    def visible_text(self) -> str:
        """The text that is visible; a line break stands for the edge of a block."""
        return join_visible(self.text_pieces)


def _parsed(html: str) -> etree._Element:
    # As bytes, so that an encoding in the document itself is overruled.
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    content = html.encode(errors="replace")
    tree: etree._Element | None = etree.fromstring(content, parser) if content else None
    return tree if tree is not None else etree.Element("html")


def _style_block(element: etree._Element) -> StyleBlock:
    css = element.text or ""
    parent = element.getparent()
    is_in_head = parent is not None and parent.tag == "head"
    return StyleBlock(element, css, parse_stylesheet(css), is_in_head, line_of(element))


def finding_at(
    rule: Rule, element: etree._Element, problem: str, clients: tuple[str, ...] = ()
) -> Finding:
    """Return a finding about an element."""
    return rule.finding(
        problem, where=element_name(element), line=line_of(element), clients=clients
    )


def line_of(element: etree._Element) -> int:
    """Return the line of an element in the part."""
    number: Any = element.sourceline
    return number or 1


def element_name(element: etree._Element) -> str:
    """Name an element so that people find it: `td.item`, `img#logo`, `p`."""
    identity = element.get("id", "").strip()
    classes = "".join([f".{name}" for name in element.get("class", "").split()[:2]])
    return clip_text(f"{element.tag}{classes or (identity and f'#{identity}')}")


def text_content(element: etree._Element) -> str:
    """Return all text of an element in one line, without comments."""
    return " ".join(str(element.xpath("string()")).split())


def clip_text(text: str, most: int = _QUOTED) -> str:
    """Shorten a quotation to one line; characters that can't be seen become U+FFFD."""
    line = " ".join(text[: most * _READ].split())
    if not line.isprintable():
        line = "".join([sign if sign.isprintable() else "\ufffd" for sign in line])
    return line if len(line) <= most else f"{line[: most - 1]}…"
