"""RSS 2.0 and the RSS Board's profile: what they demand beyond what feedgen writes.

Names come as dc:creator, since `author` wants an e-mail address and none is invented.
RSS has no date of change, so one that differs from the item's own comes as dcterms:modified.
Languages are said once for the channel, and with dc:language for an item that differs, or for
all items where they are mixed.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

from feeds import feedgen_adapter, links, podcasts, xmltree
from feeds.xmltree import ATOM, DC, DCTERMS, FH, looks_like_html

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element as Element

    from feeds.channels import Channel, PodcastShow
    from feeds.entries import Entry

# The parts of an item whose text is plain.
_PLAIN = ("title", "category", f"{DC}creator", f"{xmltree.ITUNES}author")


def render(channel: Channel) -> bytes:
    """Return the channel as an RSS document; equal channels give equal bytes."""
    root = feedgen_adapter.rss_head(channel)
    podcast = podcasts.podcast_of(channel)
    _complete_head(root, channel, podcast)
    xmltree.indent(root)
    for element in root.iter():  # all text of the head is plain
        xmltree.write_references(element)
    document = xmltree.XMLDocument(root, root[0], "item")
    for entry in channel.entries:
        item = feedgen_adapter.rss_item(entry)
        document.place(item)
        _complete(item, entry, channel, podcast)
        document.indent(item)
        _refer(item, entry)
        document.write(item, feedgen_adapter.rss_slot(entry), entry.content_html)
    return document.serialise(channel.stylesheet)


def _complete_head(root: Element, channel: Channel, podcast: PodcastShow | None) -> None:
    head = root[0]
    xmltree.declare_namespaces(root, _prefixes(channel, podcast))
    xmltree.add_text(head, "lastBuildDate", _date(channel.last_updated))
    xmltree.add_text(head, f"{DC}creator", channel.author.name)
    xmltree.add_links(head, f"{ATOM}link", links.channel_links(channel, links.RSS_TYPE))
    if channel.is_archive:
        xmltree.add_element(head, f"{FH}archive", {})
    if podcast:
        podcasts.add_show(head, channel, podcast)


def _prefixes(channel: Channel, podcast: PodcastShow | None) -> list[str]:
    always = ["atom", "content", "dc", "dcterms", "media"]
    some = {"fh": channel.is_archive, "itunes": podcast is not None}
    return sorted([*always, *(prefix for prefix, used in some.items() if used)])


def _complete(
    item: Element, entry: Entry, channel: Channel, podcast: PodcastShow | None
) -> None:
    xmltree.add_text(item, "pubDate", _date(entry.published))
    if entry.updated != entry.published:
        xmltree.add_text(item, f"{DCTERMS}modified", entry.updated.isoformat())
    for author in entry.authors:
        xmltree.add_text(item, f"{DC}creator", author.name)
    if channel.mixed or entry.language != channel.language:
        xmltree.add_text(item, f"{DC}language", entry.language)
    if entry.translations:
        xmltree.add_links(item, f"{ATOM}link", links.translation_links(entry))
    podcasts.add_media(item, entry)
    if podcast:
        podcasts.add_episode(item, entry, podcast)


def _refer(item: Element, entry: Entry) -> None:
    names = [author.name for author in entry.authors]
    if looks_like_html("\n".join((entry.title, *entry.topics, *names))):
        for element in item.iterchildren(*_PLAIN):
            xmltree.write_references(element)


def _date(moment: datetime) -> str:
    """Return a date in the form of RFC 822 with four digits for the year, in any locale."""
    return format_datetime(moment, usegmt=True)
