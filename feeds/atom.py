"""Atom 1.0 (RFC 4287): what the format demands beyond what feedgen writes.

Languages are said with xml:lang, on the feed and on each entry that differs from it.
Affiliations are left to the content: Atom has no element for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from feeds import links, xmltree
from feeds.generator import atom_tree

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

    from feeds.model import Channel, Entry


def render(channel: Channel) -> bytes:
    """Return the channel as an Atom document; equal channels give equal bytes."""
    root = atom_tree(channel)
    feed_links = (links.page_link(channel), *links.channel_links(channel, links.ATOM))
    xmltree.replace_links(root, feed_links)
    elements = root.findall(f"{xmltree.ATOM}entry")
    for element, entry in zip(elements, channel.entries, strict=True):
        _complete(element, entry, channel)
    return xmltree.serialise(root)


def _complete(element: Element, entry: Entry, channel: Channel) -> None:
    if entry.language != channel.language:
        element.set(xmltree.LANG, entry.language)
    entry_links = (links.entry_link(entry), *links.translation_links(entry))
    xmltree.replace_links(element, entry_links)
    xmltree.add_thumbnail(element, entry.image)
