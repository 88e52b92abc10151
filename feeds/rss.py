"""RSS 2.0 and the RSS Board's profile: what they demand beyond what feedgen writes.

Names come as dc:creator, since `author` wants an e-mail address and none is invented.
Languages are said once for the channel, and with dc:language for an item that differs.
"""

from __future__ import annotations

import re
from email.utils import format_datetime
from typing import TYPE_CHECKING

from feeds import links, xmltree
from feeds.generator import rss_tree

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element as Element

    from feeds.model import Channel, Entry

# The profile wants these written so where text is plain: readers that unescape twice
# then show a < and no tag.
_CHARACTER_REFERENCES = ((b"&amp;", b"&#x26;"), (b"&lt;", b"&#x3C;"))
_PLAIN_TEXT = re.compile(rb"<(?:title|category|copyright|dc:creator)>[^<]*")
_DESCRIPTION = re.compile(rb"<description>[^<]*")


def render(channel: Channel) -> bytes:
    """Return the channel as an RSS document; equal channels give equal bytes."""
    root = rss_tree(channel)
    element = root[0]
    items = element.findall("item")
    _complete_channel(element, channel)
    element.extend(items)  # moves them: what describes a channel stands before its items
    for item, entry in zip(items, channel.entries, strict=True):
        _complete_item(item, entry, channel)
    return _by_profile(xmltree.serialise(root))


def _complete_channel(element: Element, channel: Channel) -> None:
    xmltree.add(element, "lastBuildDate", _date(channel.last_updated))
    xmltree.add(element, f"{xmltree.DC}creator", channel.author_name)
    xmltree.replace_links(element, links.channel_links(channel, links.RSS))


def _complete_item(item: Element, entry: Entry, channel: Channel) -> None:
    xmltree.add(item, "pubDate", _date(entry.published))
    for author in entry.authors:
        xmltree.add(item, f"{xmltree.DC}creator", author.name)
    if entry.language != channel.language:
        xmltree.add(item, f"{xmltree.DC}language", entry.language)
    xmltree.replace_links(item, links.translation_links(entry))
    xmltree.add_thumbnail(item, entry.image)


def _date(moment: datetime) -> str:
    """Return a date in the form of RFC 822 with four digits for the year, in any locale."""
    return format_datetime(moment, usegmt=True)


def _by_profile(document: bytes) -> bytes:
    """Write & and < in plain text as the profile wants; the parsed text is the same.

    The first description is the channel's and plain text; those of items are HTML.
    """
    return _PLAIN_TEXT.sub(_referenced, _DESCRIPTION.sub(_referenced, document, count=1))


def _referenced(match: re.Match[bytes]) -> bytes:
    text = match.group()
    for entity, reference in _CHARACTER_REFERENCES:
        text = text.replace(entity, reference)
    return text
