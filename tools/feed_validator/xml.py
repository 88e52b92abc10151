"""Checks of the XML of RSS, Atom and OPML: parsing, namespaces, characters, links.

It names elements as `entry 2/atom:link`, with the number of the entry that they stand in.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from lxml import etree
from lxml.etree import _Element as Element

from tools.feed_validator import values
from tools.feed_validator.values import words

NAMESPACES = {
    "at": "http://purl.org/atompub/tombstones/1.0",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "html": "http://www.w3.org/1999/xhtml",
    "fh": "http://purl.org/syndication/history/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "xml": "http://www.w3.org/XML/1998/namespace",
}
PREFIXES = {uri: prefix for prefix, uri in NAMESPACES.items()}
LANG = f"{{{NAMESPACES['xml']}}}lang"

# Of IANA's registry of link relations, those that we write.
RELATIONS = words(
    "alternate current describedby enclosure hub next-archive prev-archive related self"
)
HISTORY = {"current", "prev-archive", "next-archive"}
# Elements that `media_faults` checks.
CHECKED_AS_MEDIA = ("itunes:", "media:")
FEED_TYPES = {"application/atom+xml", "application/rss+xml"}

_ROOT = re.compile(rb"<(rss|feed|opml)[\s>]")
_STYLESHEET = re.compile(r'type="text/css" href="(?P<href>[^"]+)"')

Check = Callable[[str], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Document:
    """A well-formed document: its bytes, its lines, its tree."""

    raw: bytes
    lines: tuple[bytes, ...]
    root: Element

    def is_referenced(self, element: Element) -> bool:
        """Return whether the line of an element has hexadecimal character references."""
        number = cast("int", element.sourceline)
        return b"&#x" in self.lines[number - 1]


def read(document: bytes) -> Document | str:
    """Return the parsed document, or the fault that prevents parsing."""
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        return f"document: is not well-formed: {error} (28)"
    return Document(document, tuple(document.split(b"\n")), root)


def document_faults(document: Document) -> Iterator[str]:
    """Yield the faults of a document as XML."""
    if not document.raw.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n'):
        yield "document: begins without an XML declaration that says UTF-8 (35)"
    if not document.raw.endswith(b">\n"):
        yield "document: ends without a line feed (35)"
    if b"<!DOCTYPE" in document.raw[:1024]:
        yield "document: has a DOCTYPE (28)"
    if not _ROOT.search(document.raw, 0, 512):
        yield "document: its root is not within the first 512 bytes (54)"
    yield from _stylesheets(document.root)
    yield from _namespaces(document.root)
    for element in document.root.iter(etree.Element):
        yield from _characters(element)


def _stylesheets(root: Element) -> Iterator[str]:
    for node in root.itersiblings(preceding=True):
        if isinstance(node, etree._ProcessingInstruction) and node.target == "xml-stylesheet":
            match = _STYLESHEET.search(node.text or "")
            if match is None:
                yield "xml-stylesheet: is not text/css with an address (59)"
            elif not match["href"].startswith(("/", "http://", "https://")):
                yield f"xml-stylesheet: its address is relative: {match['href']} (59)"


def _namespaces(root: Element) -> Iterator[str]:
    declared = {pair for element in root.iter(etree.Element) for pair in element.nsmap.items()}
    for prefix, uri in sorted(declared, key=str):
        name = PREFIXES.get(uri)
        if name is None:
            yield f"xmlns:{prefix}: validators do not know {uri} (28)"
        elif prefix not in {name, None}:
            yield f"xmlns:{prefix}: {uri} is usually called {name} (28)"
        elif root.nsmap.get(None) == uri and prefix is not None:
            yield f"xmlns:{prefix}: {uri} has two prefixes (28)"
    tombstones = NAMESPACES["at"]
    used = next(root.iter(f"{{{tombstones}}}*"), None) is not None
    if ("at", tombstones) in declared and not used:
        # Validators warn about a namespace that no element uses.
        yield "xmlns:at: is declared and not used (28)"


def _characters(element: Element) -> Iterator[str]:
    texts = [element.text or "", element.tail or "", *map(str, element.attrib.values())]
    for problem in (fault for text in texts for fault in values.character_faults(text)):
        yield f"{where(element)}: {problem} (35)"
    tag = element.get(LANG)
    if tag is not None:
        yield from told(f"{where(element)}/xml:lang", values.language_faults(tag), 11)


def name(element: Element) -> str:
    """Return an element's name with the usual prefix of its namespace, as `dc:creator`."""
    qualified = etree.QName(element)
    prefix = PREFIXES.get(qualified.namespace or "", qualified.namespace)
    return f"{prefix}:{qualified.localname}" if prefix else qualified.localname


def where(element: Element) -> str:
    """Return an element's name, with the number of its entry."""
    own = name(element)
    for parent in (element, *element.iterancestors()):
        if name(parent) in {"item", "atom:entry"}:
            kind = etree.QName(parent).localname
            place = f"{kind} {1 + len(list(parent.itersiblings(parent.tag, preceding=True)))}"
            return place if parent is element else f"{place}/{own}"
    return own


def told(place: str, problems: Iterable[str], point: int) -> Iterator[str]:
    """Yield each problem with its location and the number of the rule."""
    for problem in problems:
        yield f"{place}: {problem} ({point})"


def children(parent: Element, wanted: str) -> list[Element]:
    """Return the children with a name as `name` gives it."""
    prefix, _, local = wanted.rpartition(":")
    return parent.findall(f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local)


def text(parent: Element, wanted: str) -> str | None:
    """Return the text of the first such child; None if there is no such child."""
    found = children(parent, wanted)
    return found[0].text or "" if found else None


def count_faults(parent: Element, wanted: str, point: int, *, least: int = 1) -> Iterator[str]:
    """Yield a fault unless there is exactly one such child, or at most one if least is 0."""
    found = children(parent, wanted)
    if not least <= len(found) <= 1:
        yield f"{where(parent)}: has {len(found)} {wanted} (rule: one) ({point})"
    if any(not (one.text or "").strip() and not len(one) for one in found):
        yield f"{where(parent)}: its {wanted} is blank ({point})"


def language(element: Element) -> str:
    """Return the language in scope, empty if there is none."""
    scope = (one.get(LANG) for one in (element, *element.iterancestors()))
    return next((str(tag) for tag in scope if tag is not None), "")


def repeated(things: Iterable[str]) -> list[str]:
    """Return the repeated values."""
    return [thing for thing, times in Counter(things).items() if times > 1]


def check_all(parent: Element, wanted: str, check: Check, point: int) -> Iterator[str]:
    """Yield the faults that a check finds in the texts of these children."""
    for one in children(parent, wanted):
        yield from told(where(one), check(one.text or ""), point)


def links(parent: Element) -> list[Element]:
    """Return the Atom links of a feed, a channel, an entry or an item."""
    return children(parent, "atom:link")


def relations(parent: Element) -> list[str]:
    """Return the relations of links; the default is `alternate`."""
    return [str(link.get("rel", "alternate")) for link in links(parent)]


def link_faults(parent: Element, document: Document) -> Iterator[str]:
    """Yield the faults of the Atom links of a feed, a channel, an entry or an item."""
    for link in links(parent):
        yield from _link(link, document)
    # RSS has an element for its page; of several alternates, feed readers disagree which they open.
    most, count = int("}" in parent.tag), relations(parent).count("alternate")
    if count > most:
        yield f"{where(parent)}: has {count} atom:link rel=alternate (rule: {most}) (4)"


def _link(link: Element, document: Document) -> Iterator[str]:
    place = where(link)
    rel, media_type = link.get("rel", "alternate"), link.get("type")
    yield from told(place, values.address_faults(str(link.get("href", ""))), 4)
    if rel not in RELATIONS:
        yield f"{place}: rel={rel} is not registered (4)"
    if link.text or len(link):
        yield f"{place}: holds text (4)"
    if media_type is not None and not values.is_media_type(media_type):
        yield f"{place}: type={media_type} is no media type (4)"
    if (tag := link.get("hreflang")) is not None:
        yield from told(f"{place}/hreflang", values.language_faults(tag), 11)
    if (title := link.get("title")) is not None:
        referenced = document.is_referenced(link)
        yield from told(place, values.plain_faults(title, referenced=referenced), 22)
        if not title.strip():
            yield f"{place}: its title is blank (4)"
    for extra in set(link.attrib) - {"rel", "href", "type", "hreflang", "title", "length"}:
        yield f"{place}: {extra!s} is no attribute of a link (4)"


def self_faults(parent: Element, point: int) -> Iterator[str]:
    """Yield a fault unless there is exactly one link to the document itself, with its type."""
    own = [link for link in links(parent) if link.get("rel") == "self"]
    if len(own) != 1:
        yield f"{where(parent)}: has {len(own)} atom:link rel=self (rule: one) ({point})"
    for link in own:
        if link.get("type") not in FEED_TYPES:
            yield f"{where(link)}: rel=self has type {link.get('type')} ({point})"


def history_faults(parent: Element) -> Iterator[str]:
    """Yield the faults of the links to archive documents (RFC 5005)."""
    rels = relations(parent)
    addresses = {str(link.get("rel")): str(link.get("href")) for link in links(parent)}
    archive = bool(children(parent, "fh:archive"))
    place = where(parent)
    for rel in repeated(rel for rel in rels if rel in HISTORY):
        yield f"{place}: two links with rel={rel} (43)"
    if archive and "current" not in rels:
        yield f"{place}: is an archive without rel=current (43)"
    if archive and not {"prev-archive", "next-archive"} & set(rels):
        yield f"{place}: is an archive without rel=prev-archive or next-archive (43)"
    if not archive and "next-archive" in rels:
        yield f"{place}: has rel=next-archive and is no archive (43)"
    for rel in HISTORY if archive else HISTORY - {"current"}:
        if rel in addresses and addresses[rel] == addresses.get("self"):
            yield f"{place}: its rel={rel} is itself (43)"
    for mark in children(parent, "fh:archive"):
        if mark.text or len(mark) or mark.attrib:
            yield f"{where(mark)}: is not empty (43)"


def entry_history_faults(entry: Element) -> Iterator[str]:
    """Yield links to archive documents in an entry, where they have no meaning."""
    for rel in HISTORY & set(relations(entry)):
        yield f"{where(entry)}/atom:link: rel={rel} belongs to the feed (43)"
