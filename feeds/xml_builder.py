"""Build XML documents: feedgen 1.0.0 writes heads and entries, this module adds and serialises.

What feedgen cannot write, or writes wrongly, `atom` and `rss` add:

- links in Atom keep only their href, and RSS has the last link given, so feedgen gets one link
  in RSS and none in Atom;
- moments default to the time of the build, so all are given;
- names without an e-mail address are lost in RSS, so RSS gets none;
- CDATA makes Atom invalid and XHTML requires perfect markup, so content is escaped HTML;
- dates in RSS change the locale of the whole process, so RSS gets none.

Media RSS (www.rssboard.org/media-rss) describes the main image and all attachments except the enclosure. Apple's
podcast elements are written only if a directory can list the channel: it has audio or video, and states its category
and an owner's address. Directories refuse incomplete ones.
"""

import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from feedgen.feed import FeedEntry, FeedGenerator
from lxml import etree
from lxml.etree import _Element as Element
from lxml.html import fragment_fromstring

from feeds.channels import Channel, PodcastShow
from feeds.entries import Author, Entry, EntryAttachment

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

_XHTML = b"http://www.w3.org/1999/xhtml"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile("([&<])")
_REFERENCES = {"&": "#x26", "<": "#x3C"}
# A word joiner is invisible and allows no line break, but `<` + joiner + `/b>` is not a tag.
_END_TAG = re.compile("<(?=/[A-Za-z])")
_NO_TAG = "<\u2060"
GENERATOR_NAME = "newsletter-publisher"
_RSS_SPECIFICATION = "https://www.rssboard.org/rss-specification"


class _FalsyDate(datetime):
    """A date that feedgen leaves out: it tests the truth of a date before it formats it."""

    def __bool__(self) -> bool:
        return False


_NO_DATE = _FalsyDate(1970, 1, 1, tzinfo=UTC)


def atom_head(channel: Channel) -> Element:
    feed = _feed(channel)
    feed.id(channel.id)
    feed.updated(channel.last_updated)
    feed.author(_person(channel.author))
    feed.generator(GENERATOR_NAME)
    feed.icon(channel.icon)
    return parse_xml(feed.atom_str())


def rss_head(channel: Channel) -> Element:
    feed = _feed(channel)
    feed.link(href=channel.site_url, rel="alternate")
    feed.lastBuildDate(_NO_DATE)
    feed.generator(GENERATOR_NAME)
    feed.docs(_RSS_SPECIFICATION)
    feed.ttl(channel.ttl)
    if channel.icon:
        feed.image(channel.icon, channel.title, channel.site_url)
    return parse_xml(feed.rss_str())


def atom_entry(entry: Entry, updated: datetime) -> Element:
    item = _item(entry)
    item.updated(updated)
    if not entry.content_html:
        # feedgen refuses an entry that has neither content nor link.
        item.link(href=entry.url)
    if text := _text(entry):
        special = looks_like_html(text)
        item.summary(
            html.escape(text, quote=False) if special else text, "html" if special else None
        )
    if entry.authors:
        item.author([_person(author) for author in entry.authors])
    element: Element = item.atom_entry()
    if not entry.content_html:
        etree.strip_elements(element, "link")
    for topic in entry.topics:
        etree.SubElement(element, "category", {"term": topic})
    for one in entry.contributors:
        person = etree.SubElement(element, "contributor")
        for name, value in _person(one).items():
            add_text(person, name, value)
    add_text(element, "published", entry.published.isoformat())
    return element


def rss_item(entry: Entry) -> Element:
    """Return an item element without date, names and Atom links."""
    item = _item(entry)
    item.link(href=entry.url, rel="alternate")
    if text := _text(entry):
        # In RSS a description is HTML.
        item.summary(html.escape(text, quote=False))
    element: Element = item.rss_entry()
    for topic in entry.topics:
        add_text(element, "category", topic)
    if enclosure := entry.enclosure:
        size = str(enclosure.length)
        file = {"url": enclosure.url, "length": size, "type": enclosure.media_type}
        etree.SubElement(element, "enclosure", file)
    return element


def _feed(channel: Channel) -> Any:
    feed = FeedGenerator()
    feed.title(channel.title)
    feed.description(channel.description)
    feed.language(channel.language)
    return feed


def _item(entry: Entry) -> Any:
    item = FeedEntry()
    item.id(entry.id)
    item.title(entry.title)
    if entry.content_html:
        item.content(entry.content_html, type="html")
    return item


def _text(entry: Entry) -> str:
    """Return the plain text of an entry; its title if it has neither summary nor content."""
    return entry.summary or ("" if entry.content_html else entry.title)


def _person(author: Author) -> dict[str, str]:
    return {"name": author.name, "uri": author.url} if author.url else {"name": author.name}


def parse_xml(document: bytes) -> Element:
    # Without huge_tree, a text of 10 MB is an error.
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    return etree.fromstring(document, parser)


def declare_namespaces(root: Element, prefixes: Iterable[str]) -> None:
    wanted = {prefix: NAMESPACES[prefix] for prefix in prefixes}
    etree.cleanup_namespaces(root, top_nsmap=wanted, keep_ns_prefixes=list(wanted))


def add_text(parent: Element, name: str, text: str) -> Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def add_links(parent: Element, name: str, links: Iterable[dict[str, str]]) -> None:
    for link in links:
        etree.SubElement(parent, name, link)


def add_note(head: Element, channel: Channel) -> None:
    """Append the note for browsers: a div of XHTML, which validators allow in a head, and nowhere else."""
    if channel.note:
        written = etree.tostring(fragment_fromstring(channel.note, create_parent="div"))
        head.append(etree.fromstring(b'<div xmlns="%s"%s' % (_XHTML, written[4:])))


def looks_like_html(text: str | None) -> bool:
    return text is not None and ("&" in text or "<" in text)


def mark_as_html(element: Element | None) -> None:
    """Turn plain text into HTML with type="html", if the two differ: else feed readers and validators guess."""
    if element is not None and looks_like_html(element.text):
        element.set("type", "html")
        element.text = html.escape(element.text or "", quote=False)


def write_references(element: Element) -> None:
    """Write & and < as numeric references, with a word joiner in end tags: feed readers that unescape twice show them."""
    if not looks_like_html(element.text):
        return
    element.text, *rest = _SPECIAL.split(_END_TAG.sub(_NO_TAG, element.text or ""))
    for character, tail in zip(rest[::2], rest[1::2], strict=True):
        reference = etree.Entity(_REFERENCES[character])
        reference.tail = tail or None
        element.append(reference)


def serialise(root: Element, stylesheet: str | None = None) -> bytes:
    """Return the document in UTF-8. It ends in a line feed and may name a CSS file."""
    style = b"" if stylesheet is None else _style(stylesheet)
    return _DECLARATION + style + etree.tostring(root, encoding="utf-8", pretty_print=True)


def _style(address: str) -> bytes:
    # Escaped, because ?> in an address would end the instruction.
    data = f'type="text/css" href="{html.escape(address)}"'
    return etree.tostring(etree.ProcessingInstruction("xml-stylesheet", data)) + b"\n"


_MAX_NAME = 255  # Characters; the longest name that Apple accepts


def add_media(element: Element, entry: Entry) -> None:
    if entry.image:
        image = entry.image
        sizes = _numbers(width=image.width, height=image.height)
        etree.SubElement(element, f"{MEDIA}thumbnail", {"url": image.url, **sizes})
    if entry.attachments:
        enclosure = entry.enclosure
        for attachment in entry.attachments:
            if attachment is not enclosure:
                _add_content(element, attachment)


def show_of(channel: Channel) -> PodcastShow | None:
    podcast = channel.podcast
    if podcast is None or not (_categories(podcast) and podcast.owner_email):
        return None
    return podcast if any(episode(entry) for entry in channel.entries) else None


def episode(entry: Entry) -> EntryAttachment | None:
    """Return the file to play: the enclosure, else the first file, that is audio or a video of known length."""
    playable = [
        one
        for one in entry.attachments
        if one.medium == "audio" or (one.medium == "video" and (one.length or 0) > 0)
    ]
    return next((one for one in playable if one is entry.enclosure), next(iter(playable), None))


def add_show(element: Element, channel: Channel, show: PodcastShow) -> None:
    author = channel.author.name[:_MAX_NAME]
    add_text(element, f"{ITUNES}author", author)
    parent = element
    for name in _categories(show):
        parent = etree.SubElement(parent, f"{ITUNES}category", {"text": name})
    add_text(element, f"{ITUNES}explicit", str(show.explicit).lower())
    if show.image:
        etree.SubElement(element, f"{ITUNES}image", {"href": show.image})
    owner = etree.SubElement(element, f"{ITUNES}owner")
    add_text(owner, f"{ITUNES}name", show.owner_name or author)
    add_text(owner, f"{ITUNES}email", show.owner_email or "")
    add_text(element, f"{ITUNES}type", "episodic")


def add_episode(element: Element, entry: Entry, show: PodcastShow) -> None:
    played = episode(entry)
    if played is None:
        return
    if entry.authors:
        names = ", ".join(author.name for author in entry.authors)
        add_text(element, f"{ITUNES}author", names[:_MAX_NAME])
    if played.duration and played.duration > 0:
        add_text(element, f"{ITUNES}duration", str(played.duration))
    add_text(element, f"{ITUNES}explicit", str(show.explicit).lower())


def _categories(show: PodcastShow) -> list[str]:
    names = (show.category or "").split(">", 1)
    return [text for name in names if (text := name.strip(" >"))]


def _add_content(element: Element, attachment: EntryAttachment) -> None:
    attributes = {
        "url": attachment.url,
        "type": attachment.media_type,
        "medium": attachment.medium,
        **_numbers(fileSize=attachment.length, duration=attachment.duration),
    }
    content = etree.SubElement(element, f"{MEDIA}content", attributes)
    if attachment.title:
        mark_as_html(add_text(content, f"{MEDIA}title", attachment.title))


def _numbers(**numbers: int | None) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items() if number and number > 0}
