"""Atom 1.0 (RFC 4287): what the format demands beyond what feedgen writes.

Languages are said with xml:lang, on the feed, on each entry that differs from it, and on all
entries where they are mixed.
Affiliations are left to the content: Atom has no element for them. Archives are marked as
RFC 5005 section 4 says, what was withdrawn as RFC 6721 says.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from feeds import feedgen_adapter, links, podcasts, xmltree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Element

    from feeds.channels import Channel
    from feeds.entries import Author, Entry

_MINUTES_OF_A_DAY = 24 * 60


def render(channel: Channel) -> bytes:
    """Return the channel as an Atom document; equal channels give equal bytes."""
    root = feedgen_adapter.atom_head(channel)
    _complete_head(root, channel)
    xmltree.indent(root)
    _refer_names(root, xmltree.ATOM, channel.author)
    document = xmltree.XMLDocument(root, root, "entry")
    moments = distinct_moments(entry.updated for entry in channel.entries)
    for entry, updated in zip(channel.entries, moments, strict=True):
        element = feedgen_adapter.atom_entry(entry, updated)
        if entry.image or entry.attachments:  # what tells of them has a namespace of its own
            document.place(element)
        _complete(element, entry, channel)
        document.indent(element)
        _refer_names(element, "", *entry.authors)
        document.write(element, feedgen_adapter.ATOM_SLOT, entry.content_html)
    return document.serialise(channel.stylesheet)


def distinct_moments(moments: Iterable[datetime]) -> list[datetime]:
    """Return the same moments, all written differently.

    Validators take two entries with one `updated` for a mistake, but several languages or one
    import often have it. The second is said in the time zone that is a minute ahead, and so
    on, from the oldest on: what comes on top then changes nothing below.
    """
    given = list(moments)
    if len(set(given)) == len(given):
        return given
    seen: Counter[datetime] = Counter()
    told = []
    for moment in reversed(given):
        told.append(_minutes_ahead(moment, seen[moment] % _MINUTES_OF_A_DAY))
        seen[moment] += 1
    return told[::-1]


def _minutes_ahead(moment: datetime, minutes: int) -> datetime:
    if not minutes:
        return moment
    try:
        return moment.astimezone(_zone(minutes))
    except OverflowError:  # in the last hours of the year 9999
        return moment.astimezone(_zone(-minutes))


@lru_cache(maxsize=1024)
def _zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _complete_head(root: Element, channel: Channel) -> None:
    xmltree.declare_namespaces(root, _prefixes(channel))
    for name in ("title", "subtitle", "rights"):
        xmltree.mark_as_html(root.find(f"{xmltree.ATOM}{name}"))
    feed_links = (links.page_link(channel), *links.channel_links(channel, links.ATOM_TYPE))
    xmltree.add_links(root, f"{xmltree.ATOM}link", feed_links)
    if channel.is_archive:
        xmltree.add_element(root, f"{xmltree.FH}archive", {})
    for tombstone in channel.tombstones:
        told = {"ref": tombstone.entry_id, "when": tombstone.when.isoformat()}
        xmltree.add_element(root, f"{xmltree.AT}deleted-entry", told)


def _refer_names(parent: Element, namespace: str, *authors: Author) -> None:
    # A name is plain text, and cannot say that it is.
    if any(xmltree.looks_like_html(author.name) for author in authors):
        for name in parent.iterfind(f"{namespace}author/{namespace}name"):
            xmltree.write_references(name)


def _prefixes(channel: Channel) -> list[str]:
    # Validators report a namespace that they do not know even if nothing is in it.
    known = {"at": bool(channel.tombstones), "fh": channel.is_archive, "media": True}
    return [prefix for prefix, used in known.items() if used]


def _complete(element: Element, entry: Entry, channel: Channel) -> None:
    if channel.mixed or entry.language != channel.language:
        element.set(xmltree.XML_LANG, entry.language)
    if xmltree.looks_like_html(entry.title):
        xmltree.mark_as_html(element.find("title"))
    xmltree.add_element(element, "link", links.entry_link(entry))
    if entry.translations:
        xmltree.add_links(element, "link", links.translation_links(entry))
    if entry.attachments:
        xmltree.add_links(element, "link", links.enclosure_link(entry))
    podcasts.add_media(element, entry)
