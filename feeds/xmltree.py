"""XML that Atom, RSS and OPML share: namespaces, edits of a tree, the document in bytes."""

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
# A word joiner is invisible and allows no line break, but `<` + joiner + `/b>` is not a tag.
_END_TAG = re.compile("<(?=/[A-Za-z])")
_NO_TAG = "<\u2060"


def parse_xml(document: bytes) -> Element:
    """Return the tree of a document that this package wrote, however long its texts are."""
    # Without huge_tree, a text of 10 MB is an error.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)


def declare_namespaces(root: Element, prefixes: Iterable[str]) -> None:
    """Declare namespaces on the root, so that no element below it has to."""
    wanted = {prefix: NAMESPACES[prefix] for prefix in prefixes}
    etree.cleanup_namespaces(root, top_nsmap=wanted, keep_ns_prefixes=list(wanted))


def add_text(parent: Element, name: str, text: str) -> Element:
    """Append an element with text, and return it."""
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def add_links(parent: Element, name: str, links: Iterable[dict[str, str]]) -> None:
    """Append an element called `name` for each link."""
    for link in links:
        etree.SubElement(parent, name, link)


def add_element(parent: Element, name: str, attributes: dict[str, str]) -> Element:
    """Append an element with attributes only, and return it."""
    return etree.SubElement(parent, name, attributes)


def looks_like_html(text: str | None) -> bool:
    """Return whether a plain text contains & or <, so that software may take it for HTML."""
    return text is not None and ("&" in text or "<" in text)


def mark_as_html(element: Element | None) -> None:
    """Turn an element's plain text into equivalent HTML with type="html", if the two differ.

    Feed readers and validators guess whether a text is HTML unless its type says so.
    """
    if element is not None and looks_like_html(element.text):
        element.set("type", "html")
        element.text = html.escape(element.text or "", quote=False)


def write_references(element: Element) -> None:
    """Write & and < in an element's plain text as numeric references.

    The RSS Board's profile advises this, since feed readers that unescape twice then show them.
    Validators and some feed readers still see an end tag, so it gets a word joiner. Indent the
    tree first, because references are nodes of it.
    """
    if not looks_like_html(element.text):
        return
    element.text, *rest = _SPECIAL.split(_END_TAG.sub(_NO_TAG, element.text or ""))
    for character, tail in zip(rest[::2], rest[1::2], strict=True):
        reference = etree.Entity(_REFERENCES[character])
        reference.tail = tail or None
        element.append(reference)


def indent(root: Element) -> None:
    """Put each element on a line of its own, two spaces deeper than its parent."""
    etree.indent(root)


def serialise(root: Element, stylesheet: str | None = None) -> bytes:
    """Return the document in UTF-8. It ends in a line feed and may name a CSS file."""
    style = b"" if stylesheet is None else _style(stylesheet)
    return b"".join((_DECLARATION, style, etree.tostring(root, encoding="utf-8"), b"\n"))


def _style(address: str) -> bytes:
    """Return the instruction that names a CSS file (W3C, Associating Style Sheets with XML)."""
    # Escaped, because ?> in an address would end the instruction.
    data = f'type="text/css" href="{html.escape(address)}"'
    return etree.tostring(etree.ProcessingInstruction("xml-stylesheet", data)) + b"\n"
