"""The HTML of a mail: read as browsers read it, or refused; written with its document type.

Knows no CSS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lxml import etree

from publisher.errors import RenderingError
from publisher.rendering.inlining import structure

DOCTYPE = "<!DOCTYPE html>"

# Over ten times what Gmail shows of a mail, in characters: nobody means to send more.
LARGEST = 1_500_000

# libxml2 drops what lies deeper than 2,048 elements without a word, older ones 255; mail
# programs give up earlier.
MAX_DEPTH = 100

# How much of a line a message shows, in characters.
SHOWN = 80

# Browsers decode bytes that can't be a character as U+FFFD; NUL is U+FFFD or nothing to them,
# according to where it stands (HTML standard, 13.2.5).
IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")

# What libxml2 reports when it closes or drops tags in its own way.
MENDED = frozenset(("ERR_TAG_NAME_MISMATCH", "HTML_STRUCURE_ERROR"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A mail as a tree: its text, and the elements that its source leaves out."""

    root: etree._Element
    text: str
    implied: tuple[etree._Element, ...]


def parse(html: str) -> Document:
    """Read a mail; raises RenderingError for what would be lost or understood differently."""
    source = _source(html)
    parser = etree.HTMLParser(huge_tree=True)
    root = etree.fromstring(source, parser)
    if root is None or root.find("body") is None:
        raise RenderingError("a mail must have a body")
    if (depth := _depth(root)) > MAX_DEPTH:
        raise RenderingError(f"elements are nested {depth} deep; a mail may have {MAX_DEPTH}")
    for error in parser.error_log:
        if error.type_name in MENDED:
            raise _misread(source, error.line, f"{error.message}; programs mend that variously")
    text = _text(root)
    structure.empty_voids(root)
    implied = [w for table in root.iter("table") for w in structure.complete(table)]
    for element in root.iter(etree.Element):
        if problem := structure.misplaced(element):
            raise _misread(source, line_of(element), f"{problem}; browsers move it")
    return Document(root=root, text=text, implied=tuple(implied))


def write(document: Document) -> str:
    """Write a mail, its document type first; raises RenderingError if text were lost.

    What its source left out is left out again, unless it has got a style.
    """
    for element in document.implied:
        if not element.attrib:
            structure.unwrap(element)
    written: str = etree.tostring(
        document.root, method="html", encoding="unicode", doctype=DOCTYPE
    )
    if _text(etree.fromstring(written, etree.HTMLParser(huge_tree=True))) != document.text:
        raise RenderingError("inlining would lose text of a mail")
    return written


def line_of(element: etree._Element) -> int:
    """Give the line of the rendered mail in which an element begins."""
    number: Any = element.sourceline
    return int(number or 1)


def fault(line: int, problem: str) -> RenderingError:
    """Say what is wrong, and where in the mail as it was rendered."""
    return RenderingError(f"line {line} of the rendered mail: {problem}")


def _misread(html: str, line: int, problem: str) -> RenderingError:
    """Say what is wrong, and show it: nobody has seen a mail that can't be made."""
    written = html.split("\n")[line - 1].strip()
    shown = written if len(written) <= SHOWN else f"{written[: SHOWN - 3]}..."
    return fault(line, f"{problem}: {shown}")


def _source(html: str) -> str:
    """Give what lxml is to read, line by line as it was; its document type as lxml knows it."""
    begins = len(html) - len(html.lstrip())
    ends = begins + len(DOCTYPE)
    if html[begins:ends].lower() != DOCTYPE.lower():
        raise RenderingError(f"the HTML of a mail must begin with {DOCTYPE}")
    if len(html) > LARGEST:
        raise RenderingError(f"a mail has {len(html)} characters; it may have {LARGEST}")
    if found := structure.unlike(html):
        raise _misread(html, *found)
    return html[:begins] + DOCTYPE + IMPOSSIBLE.sub("\ufffd", html[ends:])


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _text(root: etree._Element) -> str:
    """Give all text without its white space; style sheets and comments are not text."""
    texts = []
    for event, element in etree.iterwalk(root, events=("start", "end", "comment")):
        if event == "start" and element.tag != "style":
            texts.append(element.text)
        elif event != "start":
            texts.append(element.tail)
    return "".join("".join(text.split()) for text in texts if text)
