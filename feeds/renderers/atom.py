"""Atom 1.0 (RFC 4287): complete what feedgen writes.

xml:lang stands on the feed and on each entry whose language differs, or on all entries of a mixed channel.
Affiliations appear in the content only. Archive documents follow RFC 5005 section 4, tombstones RFC 6721.
"""

from collections import Counter
from collections.abc import Iterable
from copy import copy
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from lxml import etree
from lxml.etree import _Element as Element

from feeds import links, xml_builder
from feeds.channels import Channel
from feeds.entries import Author, Entry

_MINUTES_OF_A_DAY = 24 * 60


def render(channel: Channel) -> bytes:
    root = xml_builder.atom_head(channel)
    _complete_head(root, channel)
    moments = distinct_moments(entry.updated for entry in channel.entries)
    own_links: dict[str, Element] = {}
    for entry, updated in zip(channel.entries, moments, strict=True):
        element = xml_builder.atom_entry(entry, updated)
        root.append(element)
        _complete(element, entry, channel, own_links)
    return xml_builder.serialise(root, channel.stylesheet)


def distinct_moments(moments: Iterable[datetime]) -> list[datetime]:
    """Return the same moments, each in a different spelling, as validators report entries with equal `updated`.

    Of equal moments, the oldest entry keeps UTC, the next is written one minute ahead: a new entry changes nothing
    below it.
    """
    given = list(moments)
    if len(set(given)) == len(given):
        return given
    seen: Counter[datetime] = Counter()
    spelled = []
    for moment in reversed(given):
        spelled.append(_minutes_ahead(moment, seen[moment] % _MINUTES_OF_A_DAY))
        seen[moment] += 1
    return spelled[::-1]


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
    xml_builder.declare_namespaces(root, _prefixes(channel))
    for name in ("title", "subtitle"):
        xml_builder.mark_as_html(root.find(f"{xml_builder.ATOM}{name}"))
    _reference_names(root, xml_builder.ATOM, channel.author)
    feed_links = (links.page_link(channel), *links.channel_links(channel, "atom"))
    xml_builder.add_links(root, f"{xml_builder.ATOM}link", feed_links)
    xml_builder.add_note(root, channel)
    if channel.is_archive:
        etree.SubElement(root, f"{xml_builder.FH}archive")
    for tombstone in channel.tombstones:
        attributes = {"ref": tombstone.entry_id, "when": tombstone.when.isoformat()}
        etree.SubElement(root, f"{xml_builder.AT}deleted-entry", attributes)


def _reference_names(parent: Element, namespace: str, *authors: Author) -> None:
    # A name is plain text and has no type attribute.
    if xml_builder.looks_like_html("".join([author.name for author in authors])):
        for name in parent.iterfind(f"{namespace}*/{namespace}name"):
            xml_builder.write_references(name)


def _prefixes(channel: Channel) -> list[str]:
    # Validators report namespaces that they don't support even if no element uses them.
    used = {"at": bool(channel.tombstones), "fh": channel.is_archive, "media": True}
    return [prefix for prefix, is_used in used.items() if is_used]


def _complete(
    element: Element, entry: Entry, channel: Channel, own_links: dict[str, Element]
) -> None:
    if channel.mixed or entry.language != channel.language:
        element.set(xml_builder.XML_LANG, entry.language)
    if xml_builder.looks_like_html(entry.title):
        xml_builder.mark_as_html(element.find("title"))
    _reference_names(element, "", *entry.authors, *entry.contributors)
    element.append(_own_link(entry, own_links))
    if entry.translations or entry.attachments:
        xml_builder.add_links(element, "link", links.translation_links(entry))
        xml_builder.add_links(element, "link", links.enclosure_link(entry))
    xml_builder.add_media(element, entry)


def _own_link(entry: Entry, same: dict[str, Element]) -> Element:
    """Return the link to an entry's page. To copy that of another entry in the same language is twice as fast."""
    if entry.language not in same:
        same[entry.language] = etree.Element("link", links.entry_link(entry))
    link = copy(same[entry.language])
    link.set("href", entry.url)
    return link
