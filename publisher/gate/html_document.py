"""The HTML part as the checks look at it: elements, style sheets, conditional comments.

Taken apart once per mail. Knows no rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree

from publisher.gate.css.stylesheet import AtRule, Declaration, Sheet, declarations, sheet
from publisher.gate.findings import Finding, Rule
from publisher.gate.mail import CheckedMail

# What is longer can't be sent, whatever else it is: four times what Gmail shows. A closer look
# would take a minute and say nothing new.
MOST_CHARACTERS = 300_000
# Elements further down are counted, and not looked at; mail programs don't show them either.
DEEPEST = 250
# Long enough to find the place by.
SHOWN = 60

# So many times that is looked at, since white space is put together.
ENOUGH = 10
CONDITION = re.compile(r"\s*\[\s*if\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StyleBlock:
    """A <style>: what is in it, where it stands, and its line in the part."""

    element: etree._Element
    css: str
    sheet: Sheet
    in_head: bool
    line: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, and its line in the part."""

    text: str
    line: int

    @property
    def conditional(self) -> bool:
        """Whether Outlook for Windows reads it (`<!--[if mso]>`)."""
        return bool(CONDITION.match(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The HTML part of one mail; `depth` is how deep its elements are nested.

    `elements` are in document order. Where the part is missing or longer than MOST_CHARACTERS,
    there are none.
    """

    root: etree._Element
    elements: tuple[etree._Element, ...]
    blocks: tuple[StyleBlock, ...]
    comments: tuple[Comment, ...]
    depth: int

    def tagged(self, *tags: str) -> Iterator[etree._Element]:
        """Give the elements of some tags."""
        return (element for element in self.elements if element.tag in tags)


@lru_cache(maxsize=2)
def page(mail: CheckedMail) -> Page:
    """Take a mail's HTML apart."""
    if not mail.html.strip() or len(mail.html) > MOST_CHARACTERS:
        return Page(root=mail.tree, elements=(), blocks=(), comments=(), depth=0)
    elements: list[etree._Element] = []
    comments: list[Comment] = []
    depth = deepest = 0
    for event, node in etree.iterwalk(mail.tree, events=("start", "end", "comment")):
        if event == "comment":
            comments.append(Comment(node.text or "", node.sourceline or 1))
            continue
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
        if event == "start" and depth <= DEEPEST:
            elements.append(node)
    return Page(
        root=mail.tree,
        elements=tuple(elements),
        blocks=tuple(_block(element) for element in elements if element.tag == "style"),
        comments=tuple(comments),
        depth=deepest,
    )


def _block(element: etree._Element) -> StyleBlock:
    css = element.text or ""
    parent = element.getparent()
    return StyleBlock(
        element=element,
        css=css,
        sheet=sheet(css),
        in_head=parent is not None and parent.tag == "head",
        line=line(element),
    )


def styled(element: etree._Element) -> tuple[Declaration, ...]:
    """Give the declarations of an element's style attribute."""
    style = element.get("style")
    return declarations(style) if style else ()


def media(element: etree._Element) -> tuple[AtRule, ...]:
    """Give a <style>'s media attribute as the at-rule that it amounts to."""
    asked = element.get("media", "").strip()
    return (AtRule("media", asked, 1, 0),) if asked else ()


def at(
    rule: Rule, element: etree._Element, problem: str, clients: tuple[str, ...] = ()
) -> Finding:
    """Say that an element breaks a rule."""
    return rule.broken(problem, where=named(element), line=line(element), clients=clients)


def line(element: etree._Element) -> int:
    """Give an element's line in the part."""
    number: Any = element.sourceline
    return number or 1


def named(element: etree._Element) -> str:
    """Name an element so that people find it: `td.item`, `img#logo`, `p`."""
    identity = element.get("id", "").strip()
    classes = "".join(f".{name}" for name in element.get("class", "").split()[:2])
    return clip_text(f"{element.tag}{classes or (identity and f'#{identity}')}")


def text_of(element: etree._Element) -> str:
    """Give all text of an element in one line, without comments."""
    return " ".join(str(element.xpath("string()")).split())


def clip_text(text: str, most: int = SHOWN) -> str:
    """Shorten what is quoted in a finding: one line, and nothing unseen in it."""
    line = " ".join(text[: most * ENOUGH].split())
    line = "".join(sign if sign.isprintable() else "\ufffd" for sign in line)
    return line if len(line) <= most else f"{line[: most - 1]}…"
