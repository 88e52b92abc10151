"""The adapter of feedgen 1.0.0, and its only importer: values in, element trees out.

A document's head is made from a FeedGenerator without entries, and each entry from a
FeedEntry of its own, so that nothing is written, read and written again. feedgen is asked only
for what it does well; what it cannot say, or says wrongly, the format's own module adds:

- links in Atom keep only their href, and RSS takes its link from the last one given, so it is
  given one link in RSS and none in Atom;
- moments default to the time of the build, so each one is given;
- names without an e-mail address are lost in RSS, so RSS is given none;
- CDATA makes Atom invalid and XHTML needs perfect markup, so content is escaped HTML;
- dates in RSS switch the locale of the whole process, so RSS is given none;
- a long text takes it and lxml longer than all else together, so content is left open: an
  entry has a slot for it, which is for `xmltree.Document` to fill.

Entries in Atom come with bare names: they are Atom's once they stand in a document whose
default namespace that is. It does not know what else a format demands; see `atom` and `rss`.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feedgen.feed import FeedEntry, FeedGenerator

from feeds import xmltree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.channels import Channel
    from feeds.entries import Author, Entry

GENERATOR_NAME = "newsletter-publisher"
# What stands for the content, and where it does.
_PLACEHOLDER = "-"
ATOM_SLOT = b'<content type="html">-</content>'
_ENCODED_SLOT = b"<content:encoded>-</content:encoded>"
_DESCRIPTION_SLOT = b"<description>-</description>"
_RSS_SPECIFICATION = "https://www.rssboard.org/rss-specification"
# RSS knows pictures of these kinds only.
_IMAGE_SUFFIXES = (".gif", ".jpeg", ".jpg", ".png")


class _Unwritten(datetime):
    """A date that feedgen passes over: it asks whether a date is true before it formats it."""

    def __bool__(self) -> bool:
        return False


_NO_DATE = _Unwritten(1970, 1, 1, tzinfo=UTC)


def atom_head(channel: Channel) -> Element:
    """Return the feed element without entries; its links are yet to be added."""
    feed = _feed(channel)
    feed.id(channel.id)
    feed.updated(channel.last_updated)
    feed.author(_person(channel.author))
    feed.generator(GENERATOR_NAME, version=channel.generator_version or None)
    feed.icon(channel.icon)
    return xmltree.parse_xml(feed.atom_str())


def rss_head(channel: Channel) -> Element:
    """Return the rss element without items; its date, names and links are yet to be added."""
    feed = _feed(channel)
    feed.link(href=channel.site_url, rel="alternate")
    feed.lastBuildDate(_NO_DATE)
    feed.generator(f"{GENERATOR_NAME} {channel.generator_version}".strip())
    feed.docs(_RSS_SPECIFICATION)
    feed.ttl(channel.ttl)
    if channel.icon and channel.icon.lower().endswith(_IMAGE_SUFFIXES):
        feed.image(channel.icon, title=channel.title, link=channel.site_url)
    return xmltree.parse_xml(feed.rss_str())


def atom_entry(entry: Entry, updated: datetime) -> Element:
    """Return an entry element, all bare names; its links and content are yet to be added."""
    item = _item(entry)
    item.published(entry.published)
    item.updated(updated)
    if text := _text(entry):
        special = xmltree.looks_like_html(text)
        item.summary(
            html.escape(text, quote=False) if special else text, "html" if special else None
        )
    if entry.authors:
        item.author([_person(author) for author in entry.authors])
    if entry.content_html:
        element: Element = item.atom_entry()
        return element
    # Without content feedgen insists on a link, which would lack what a link has to tell.
    item.link(href=entry.url)
    linked: Element = item.atom_entry()
    for link in linked.findall("link"):
        linked.remove(link)
    return linked


def rss_item(entry: Entry) -> Element:
    """Return an item element; its date, names, links and content are yet to be added."""
    item = _item(entry)
    item.link(href=entry.url, rel="alternate")
    if text := _text(entry):
        # RSS reads a description as HTML, so plain text is escaped once for it.
        item.summary(html.escape(text, quote=False))
    if enclosure := entry.enclosure:
        item.enclosure(enclosure.url, str(enclosure.length), enclosure.media_type)
    element: Element = item.rss_entry()
    return element


def rss_slot(entry: Entry) -> bytes:
    """Return the slot of an item that its content belongs in."""
    return _ENCODED_SLOT if entry.summary else _DESCRIPTION_SLOT


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
        item.content(_PLACEHOLDER, type="html")
    if entry.topics:
        item.category([{"term": topic} for topic in entry.topics])
    return item


def _text(entry: Entry) -> str:
    """Return the plain text of an entry: one that has nothing else to say has its title."""
    return entry.summary or ("" if entry.content_html else entry.title)


def _person(author: Author) -> dict[str, str]:
    return {"name": author.name, "uri": author.url} if author.url else {"name": author.name}
