"""Adapter of feedgen 1.0.0: build the head of a document and its entries as element trees.

Each entry is built from a FeedEntry of its own and appended to the head by the caller. feedgen
gets what it writes correctly. What it cannot write, or writes wrongly, `atom` and `rss` add:

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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feedgen.feed import FeedEntry, FeedGenerator

from feeds import xmltree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.channels import Channel
    from feeds.entries import Author, Entry

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
    return xmltree.parse_xml(feed.atom_str())


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
    return xmltree.parse_xml(feed.rss_str())


def atom_entry(entry: Entry, updated: datetime) -> Element:
    """Return an entry element without links; no element has a namespace."""
    item = _item(entry)
    item.published(entry.published)
    item.updated(updated)
    # feedgen refuses an entry that has neither content nor link.
    item.link(href=entry.url)
    if text := _text(entry):
        special = xmltree.looks_like_html(text)
        item.summary(
            html.escape(text, quote=False) if special else text, "html" if special else None
        )
    if entry.authors:
        item.author([_person(author) for author in entry.authors])
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
