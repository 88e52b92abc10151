"""Build XML documents: feedgen 1.0.0 writes heads and entries, this module adds and serialises.

Each entry is built from a FeedEntry of its own, and the caller appends it to the head. feedgen gets
what it writes correctly. What it cannot write, or writes wrongly, `atom` and `rss` add:

- links in Atom keep only their href, and RSS has the last link given, so feedgen gets one link
  in RSS and none in Atom;
- moments default to the time of the build, so all are given;
- names without an e-mail address are lost in RSS, so RSS gets none;
- CDATA makes Atom invalid and XHTML requires perfect markup, so content is escaped HTML;
- dates in RSS change the locale of the whole process, so RSS gets none.

Elements of Atom entries have no namespace. They are in that of Atom once they are in a document
with that default namespace.
"""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feedgen.feed import FeedEntry, FeedGenerator
from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Element

    from feeds.channels import Channel
    from feeds.entries import Author, Entry

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
GENERATOR_NAME = "newsletter-publisher"
_RSS_SPECIFICATION = "https://www.rssboard.org/rss-specification"
# The image formats that RSS allows.
_IMAGE_SUFFIXES = (".gif", ".jpeg", ".jpg", ".png")


class _FalsyDate(datetime):
    """A date that feedgen leaves out: it tests the truth of a date before it formats it."""

    def __bool__(self) -> bool:
        return False


_NO_DATE = _FalsyDate(1970, 1, 1, tzinfo=UTC)


def atom_head(channel: Channel) -> Element:
    """Return the feed element without entries and links."""
    feed = _feed(channel)
    feed.id(channel.id)
    feed.updated(channel.last_updated)
    feed.author(_person(channel.author))
    feed.generator(GENERATOR_NAME, version=channel.generator_version or None)
    feed.icon(channel.icon)
    return parse_xml(feed.atom_str())


def rss_head(channel: Channel) -> Element:
    """Return the rss element without items, date, names and Atom links."""
    feed = _feed(channel)
    feed.link(href=channel.site_url, rel="alternate")
    feed.lastBuildDate(_NO_DATE)
    feed.generator(f"{GENERATOR_NAME} {channel.generator_version}".strip())
    feed.docs(_RSS_SPECIFICATION)
    feed.ttl(channel.ttl)
    if channel.icon and channel.icon.lower().endswith(_IMAGE_SUFFIXES):
        feed.image(channel.icon, title=channel.title, link=channel.site_url)
    return parse_xml(feed.rss_str())


def atom_entry(entry: Entry, updated: datetime) -> Element:
    """Return an entry element without links; no element has a namespace."""
    item = _item(entry)
    item.published(entry.published)
    item.updated(updated)
    # feedgen refuses an entry that has neither content nor link.
    item.link(href=entry.url)
    if text := _text(entry):
        special = looks_like_html(text)
        item.summary(
            html.escape(text, quote=False) if special else text, "html" if special else None
        )
    if entry.authors:
        item.author([_person(author) for author in entry.authors])
    if entry.contributors:
        item.contributor([_person(one) for one in entry.contributors])
    element: Element = item.atom_entry()
    for link in element.findall("link"):
        element.remove(link)
    return element


def rss_item(entry: Entry) -> Element:
    """Return an item element without date, names and Atom links."""
    item = _item(entry)
    item.link(href=entry.url, rel="alternate")
    if text := _text(entry):
        # In RSS a description is HTML.
        item.summary(html.escape(text, quote=False))
    if enclosure := entry.enclosure:
        item.enclosure(enclosure.url, str(enclosure.length), enclosure.media_type)
    element: Element = item.rss_entry()
    return element


def _feed(channel: Channel) -> Any:
    feed = FeedGenerator()
    feed.title(channel.title)
    feed.description(channel.description)
    feed.language(channel.language)
    feed.rights(channel.rights)
    return feed


def _item(entry: Entry) -> Any:
    item = FeedEntry()
    item.id(entry.id)
    item.title(entry.title)
    if entry.content_html:
        item.content(entry.content_html, type="html")
    if entry.topics:
        item.category([{"term": topic} for topic in entry.topics])
    return item


def _text(entry: Entry) -> str:
    """Return the plain text of an entry; its title if it has neither summary nor content."""
    return entry.summary or ("" if entry.content_html else entry.title)


def _person(author: Author) -> dict[str, str]:
    return {"name": author.name, "uri": author.url} if author.url else {"name": author.name}


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
