"""The XML that both Atom and RSS are made of: namespaces, small edits, bytes.

Knows neither format; it parses only what this package wrote itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element as Element

    from feeds.model import Image

_PREFIXES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

ATOM, DC, MEDIA = (f"{{{_PREFIXES[prefix]}}}" for prefix in ("atom", "dc", "media"))
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def parse(document: bytes) -> Element:
    """Return the tree of a document of ours, however long its texts are."""
    # Without huge_tree one article of 10 MB would take the whole feed down.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)


def add(parent: Element, name: str, text: str) -> None:
    """Append an element that holds text."""
    etree.SubElement(parent, name).text = text


def add_empty(parent: Element, name: str, attributes: Mapping[str, str]) -> None:
    """Append an element that holds attributes only."""
    etree.SubElement(parent, name, dict(attributes))


def replace_links(parent: Element, links: Iterable[Mapping[str, str]]) -> None:
    """Put Atom links where the parent's first one was, or last, and remove those it had.

    Whatever the parent had is dropped, so a generator that begins to write links doubles none.
    """
    old = parent.findall(f"{ATOM}link")
    place = parent.index(old[0]) if old else len(parent)
    for link in old:
        parent.remove(link)
    new = [etree.Element(f"{ATOM}link", dict(link)) for link in links]
    parent[place:place] = new


def add_thumbnail(parent: Element, image: Image | None) -> None:
    """Append the picture that stands for an entry (Media RSS, media:thumbnail)."""
    if image is None:
        return
    sizes = {"width": image.width, "height": image.height}
    known = {name: str(size) for name, size in sizes.items() if size}
    add_empty(parent, f"{MEDIA}thumbnail", {"url": image.url, **known})


def serialise(root: Element) -> bytes:
    """Return an indented UTF-8 document that ends in a line feed, with each namespace once."""
    missing = {name: uri for name, uri in _PREFIXES.items() if uri not in root.nsmap.values()}
    etree.cleanup_namespaces(root, top_nsmap=missing)
    etree.indent(root)
    return _DECLARATION + etree.tostring(root, encoding="utf-8") + b"\n"
