"""The XML that both Atom and RSS are made of: namespaces, small edits, bytes.

Knows neither format; it parses only what this package wrote itself.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Element

NAMESPACES = {
    "at": "http://purl.org/atompub/tombstones/1.0",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "fh": "http://purl.org/syndication/history/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
}
AT, ATOM, DC, DCTERMS, FH, ITUNES, MEDIA = (
    f"{{{NAMESPACES[prefix]}}}"
    for prefix in ("at", "atom", "dc", "dcterms", "fh", "itunes", "media")
)
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile("([&<])")
_REFERENCES = {"&": "#x26", "<": "#x3C"}
# A word joiner cannot be seen and breaks no line, but what it stands in is no tag any more.
_END_TAG = re.compile("<(?=/[A-Za-z])")
_NO_TAG = "<\u2060"


def parse_xml(document: bytes) -> Element:
    """Return the tree of a document of ours, however long its texts are."""
    # Without huge_tree one text of 10 MB would take the whole feed down.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)


def declare_namespaces(root: Element, prefixes: Iterable[str]) -> None:
    """Declare namespaces on the root, once for all that is in it or is added to it later."""
    wanted = {prefix: NAMESPACES[prefix] for prefix in prefixes}
    etree.cleanup_namespaces(root, top_nsmap=wanted, keep_ns_prefixes=list(wanted))


def add_text(parent: Element, name: str, text: str) -> Element:
    """Append an element that holds text."""
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def add_links(parent: Element, name: str, links: Iterable[dict[str, str]]) -> None:
    """Append a link element, which may be called `link` or have a namespace, for each."""
    for link in links:
        etree.SubElement(parent, name, link)


def add_element(parent: Element, name: str, attributes: dict[str, str]) -> Element:
    """Append an element that holds attributes only."""
    return etree.SubElement(parent, name, attributes)


def looks_like_html(text: str | None) -> bool:
    """Say whether a plain text holds what looks like HTML to who does not ask: & or <."""
    return text is not None and ("&" in text or "<" in text)


def mark_as_html(element: Element | None) -> None:
    """Turn an element's plain text into the HTML that shows it, where the two differ.

    Readers and validators guess whether a text is HTML, whatever its type; told that it is,
    they agree.
    """
    if element is not None and looks_like_html(element.text):
        element.set("type", "html")
        element.text = html.escape(element.text or "", quote=False)


def write_references(element: Element) -> None:
    """Write an element's plain text so that it is none the worse for being taken for HTML.

    Its & and < become numeric references, as the RSS Board's profile advises: a reader that
    unescapes twice then shows them. Validators and the more eager readers see an end tag even
    so; it gets a word joiner. The tree has to be indented before: references are nodes of it.
    """
    if not looks_like_html(element.text):
        return
    element.text, *rest = _SPECIAL.split(_END_TAG.sub(_NO_TAG, element.text or ""))
    for character, tail in zip(rest[::2], rest[1::2], strict=True):
        reference = etree.Entity(_REFERENCES[character])
        reference.tail = tail or None
        element.append(reference)


def indent(element: Element, level: int = 0) -> None:
    """Put each element on a line of its own, two spaces deeper than its parent."""
    etree.indent(element, level=level)


class XMLDocument:
    """A document whose head is a tree, and whose entries are written one after another.

    An entry may be in the tree while it is completed, so that its namespaces are the
    document's; then it is turned into bytes and leaves. One tree of all would take longer.
    """

    def __init__(self, root: Element, parent: Element, name: str) -> None:
        """Begin to fill `parent`, which is in the tree of `root`, with elements called `name`."""
        self._root = root
        self._parent = parent
        self._level = 1 + sum(1 for _ in parent.iterancestors())
        self._margin = f"\n{'  ' * self._level}".encode()
        self._start = f"<{name}".encode()
        # What lxml declares on each element that it serialises alone; the root has it already.
        sample = etree.SubElement(parent, name)
        self._declared_start = etree.tostring(sample).removesuffix(b"/>")
        parent.remove(sample)
        self._written: list[bytes] = []

    def place(self, element: Element) -> None:
        """Put an element into the tree, as is needed if it gets children with a namespace."""
        self._parent.append(element)

    def indent(self, element: Element) -> None:
        """Indent an element by its place in the tree."""
        indent(element, self._level)

    def write(self, element: Element, slot: bytes, content: str) -> None:
        """Turn an element into bytes, fill its slot, and take it out of the tree if it was there.

        The slot is an element as it is written, with one character for the content, if there
        is any. To escape a long text here takes a third of the time that it takes in a tree.
        """
        text = etree.tostring(element, encoding="utf-8")
        if element.getparent() is not None:
            self._parent.remove(element)
            if text.startswith(self._declared_start):
                text = self._start + text[len(self._declared_start) :]
        self._written.append(self._margin)
        self._written += _filled(text, slot, content) if content else (text,)

    def serialise(self, stylesheet: str | None = None) -> bytes:
        """Return the document in UTF-8; it ends in a line feed, and may name a style sheet."""
        head = etree.tostring(self._root, encoding="utf-8")
        # No text of the head holds a <, so this is where the parent ends.
        name = etree.QName(self._parent).localname
        end = head.rindex(self._margin[:-2] + f"</{name}>".encode())
        style = b"" if stylesheet is None else _style(stylesheet)
        parts = (_DECLARATION, style, head[:end], *self._written, head[end:], b"\n")
        return b"".join(parts)  # once: copies of all entries are what takes memory


def _filled(element: bytes, slot: bytes, content: str) -> tuple[bytes, ...]:
    """Return the parts of an element whose slot has its content."""
    # No text holds a <, so the slot is where it seems to be, whatever an article says.
    before, _found, after = element.partition(slot)
    start = slot[: slot.index(b">") + 1]
    end = slot[len(start) + 1 :]
    # XML 1.0 section 2.4
    text = content.encode().replace(b"&", b"&amp;")
    return before, start, text.replace(b"<", b"&lt;").replace(b">", b"&gt;"), end, after


def _style(address: str) -> bytes:
    """Return the instruction that names a CSS (W3C, Associating Style Sheets with XML)."""
    # An address that holds ?> would end the instruction.
    data = f'type="text/css" href="{html.escape(address)}"'
    return etree.tostring(etree.ProcessingInstruction("xml-stylesheet", data)) + b"\n"
