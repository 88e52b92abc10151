"""RSS 2.0 with the RSS Board's profile: complete what feedgen writes.

Authors are dc:creator, because `author` requires an e-mail address. RSS has no date of change, so
`updated` is dcterms:modified if it differs from the date of publication. The channel states its
language; dc:language stands on each item whose language differs, or on all items of a mixed
channel.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

from feeds import feedgen_adapter, links, podcasts, xmltree
from feeds.xmltree import ATOM, DC, DCTERMS, FH

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element as Element

    from feeds.channels import Channel, PodcastShow
    from feeds.entries import Entry

# The elements of an item whose text is plain.
_PLAIN = ("title", "category", f"{DC}creator", f"{xmltree.ITUNES}author")


def render(channel: Channel) -> bytes:
    """Return the channel as an RSS document; equal channels give equal bytes."""
    root = feedgen_adapter.rss_head(channel)
    show = podcasts.show_of(channel)
    _complete_head(root, channel, show)
    plain = list(root.iter())  # all text of the head is plain
    for entry in channel.entries:
        item = feedgen_adapter.rss_item(entry)
        root[0].append(item)
        _complete(item, entry, channel, show)
        plain += item.iterchildren(*_PLAIN)
    xmltree.indent(root)
    for element in plain:
        xmltree.write_references(element)
    return xmltree.serialise(root, channel.stylesheet)


def _complete_head(root: Element, channel: Channel, show: PodcastShow | None) -> None:
    head = root[0]
    xmltree.declare_namespaces(root, _prefixes(channel, show))
    xmltree.add_text(head, "lastBuildDate", _date(channel.last_updated))
    xmltree.add_text(head, f"{DC}creator", channel.author.name)
    xmltree.add_links(head, f"{ATOM}link", links.channel_links(channel, "rss"))
    if channel.is_archive:
        xmltree.add_element(head, f"{FH}archive", {})
    if show:
        podcasts.add_show(head, channel, show)


def _prefixes(channel: Channel, show: PodcastShow | None) -> list[str]:
    always = ["atom", "content", "dc", "dcterms", "media"]
    some = {"fh": channel.is_archive, "itunes": show is not None}
    return sorted([*always, *(prefix for prefix, used in some.items() if used)])


def _complete(item: Element, entry: Entry, channel: Channel, show: PodcastShow | None) -> None:
    xmltree.add_text(item, "pubDate", _date(entry.published))
    if entry.updated != entry.published:
        xmltree.add_text(item, f"{DCTERMS}modified", entry.updated.isoformat())
    for author in entry.authors:
        xmltree.add_text(item, f"{DC}creator", author.name)
    if channel.mixed or entry.language != channel.language:
        xmltree.add_text(item, f"{DC}language", entry.language)
    xmltree.add_links(item, f"{ATOM}link", links.translation_links(entry))
    podcasts.add_media(item, entry)
    if show:
        podcasts.add_episode(item, entry, show)


def _date(moment: datetime) -> str:
    """Return a date as in RFC 822 with a four-digit year, in any locale."""
    return format_datetime(moment, usegmt=True)
