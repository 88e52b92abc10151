"""The structure of a mail: where lxml and browsers would come to different trees.

Both mend what is wrong, each in its own way, and lxml knows no element that is younger than
HTML 4. What is harmless is made as browsers make it; the rest is found. Knows no CSS.

Source: HTML standard, "Parsing HTML documents".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from lxml import etree

from publisher.rendering.inlining.words import words

COMMENT = re.compile(r"<!-->|<!--->|<!--.*?-->", re.DOTALL)
RAW_TEXT = re.compile(r"<(style|script|title|textarea)\b.*?</\1", re.DOTALL | re.IGNORECASE)
SELF_CLOSING = re.compile(
    r"<([a-z][^\s/>]*+)(?:\s++(?:[^\s\"'>=/]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'>]++))?+)?+)*+/>",
    re.IGNORECASE,
)
FOREIGN = re.compile(r"<(?:svg|math)\b", re.IGNORECASE)
REVEALED = re.compile(r"<!\[(?:if|endif)\b", re.IGNORECASE)

# HTML standard, "ASCII whitespace".
WHITE_SPACE = " \t\n\r\f"

# Elements without an end (HTML standard, 13.1.2); lxml gives some of them content.
VOID = words("area base br col embed hr img input link meta param source track wbr")
TAKEN_FOR_FULL = ("embed", "source", "track", "wbr")

# What may stand where, as far as browsers move it elsewhere if it doesn't (13.2.6.4.9 ff.).
TABLE_PARTS = {
    "table": words("caption colgroup tbody thead tfoot style"),
    "colgroup": words("col"),
    "tbody": words("tr"),
    "thead": words("tr"),
    "tfoot": words("tr"),
    "tr": words("td th"),
}
PARTS = frozenset(part for parts in TABLE_PARTS.values() for part in parts) - {"style"}

# A start tag of these ends an open paragraph ("in body", 13.2.6.4.7).
BLOCKS = words(
    """
    address article aside blockquote center details dialog dir div dl fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search
    section summary table ul
    """
)
# Paragraphs outside of these stay open within them (13.2.4.2, "button scope").
SCOPES = words("button caption marquee object td th")
HEADINGS = words("h1 h2 h3 h4 h5 h6")
NEVER_IN_THEMSELVES = words("a button form nobr")

# They are implied where they are missing; selectors count them.
IMPLIED = {"tr": "tbody", "col": "colgroup"}


def unlike(html: str) -> tuple[int, str] | None:
    """Find a tag that browsers read in another way than lxml; give its line and what it is."""
    tags = RAW_TEXT.sub(_blank, COMMENT.sub(_blank, html))
    if found := REVEALED.search(tags):
        return _line(
            found
        ), f"{found[0]}... is broken by HTML parsers; write <!--[if ...]><!-->"
    foreign = FOREIGN.search(tags)
    for found in () if foreign else SELF_CLOSING.finditer(tags):
        name = found[1]
        if name.lower() not in VOID:
            return _line(found), f"browsers don't close <{name}/>; write <{name}></{name}>"
    return None


def _blank(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _line(found: re.Match[str]) -> int:
    return found.string.count("\n", 0, found.start()) + 1


def empty_voids(root: etree._Element) -> None:
    """Move what lxml has put into elements without an end to behind them."""
    for element in list(root.iter(*TAKEN_FOR_FULL)):
        text, children, tail = element.text or "", list(element), element.tail or ""
        element.text = None
        if children:
            children[-1].tail = (children[-1].tail or "") + tail
        element.tail = text if children else text + tail
        for child in reversed(children):
            element.addnext(child)


def complete(table: etree._Element) -> Iterator[etree._Element]:
    """Put rows and columns that stand in the table itself into what browsers imply for them."""
    wrapper: etree._Element | None = None
    for child in list(table):
        # A comment between rows goes with them.
        kind: Any = child.tag
        if kind is not etree.Comment:
            wanted = IMPLIED.get(kind)
            if wanted is None:
                wrapper = None
            elif wrapper is None or wrapper.tag != wanted:
                wrapper = etree.Element(wanted)
                child.addprevious(wrapper)
                yield wrapper
        if wrapper is not None:
            wrapper.append(child)


def unwrap(element: etree._Element) -> None:
    """Take an element away, and leave what is in it."""
    for child in list(element):
        element.addprevious(child)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def misplaced(element: etree._Element) -> str | None:
    """Say what browsers would put elsewhere."""
    parent = element.getparent()
    tag = str(element.tag)
    above = "" if parent is None else str(parent.tag)
    if tag in TABLE_PARTS and any(_own_text(element)):
        return f"text can't stand in <{tag}>"
    if (
        (above in TABLE_PARTS and tag not in TABLE_PARTS[above])
        or (tag in PARTS and tag not in TABLE_PARTS.get(above, ()))
        or (tag in HEADINGS and above in HEADINGS)
    ):
        return f"<{tag}> can't stand in <{above}>"
    if tag in NEVER_IN_THEMSELVES and next(element.iterancestors(tag), None) is not None:
        return f"<{tag}> can't stand in <{tag}>"
    return f"<{tag}> can't stand in <p>" if tag in BLOCKS and "p" in _open(element) else None


def _own_text(element: etree._Element) -> Iterator[str]:
    texts = [element.text, *(child.tail for child in element)]
    return (stripped for t in texts if t and (stripped := t.strip(WHITE_SPACE)))


def _open(element: etree._Element) -> Iterator[str]:
    above = (str(ancestor.tag) for ancestor in element.iterancestors())
    return takewhile(lambda tag: tag not in SCOPES, above)
