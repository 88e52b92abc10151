"""RSS 2.0 with the RSS Board's profile: complete what feedgen writes.

Authors are one dc:creator, because `author` requires an e-mail address. `updated` is dcterms:modified if it differs
from the date of publication. dc:language stands on each item whose language differs, or on all items of a mixed
channel.
"""

from datetime import UTC, datetime
from email.utils import format_datetime

from lxml.etree import _Element as Element

from feeds import links, xml_builder
from feeds.channels import Channel, PodcastShow
from feeds.entries import Entry
from feeds.xml_builder import ATOM, DC, DCTERMS, ITUNES

_PLAIN = ("title", "category", f"{DC}creator", f"{DC}contributor", f"{ITUNES}author")


def render(channel: Channel) -> bytes:
    root = xml_builder.rss_head(channel)
    show = xml_builder.show_of(channel)
    _complete_head(root, channel, show)
    head = root[0]
    for entry in channel.entries:
        item = xml_builder.rss_item(entry)
        head.append(item)
        _complete(item, entry, channel, show)
    return xml_builder.serialise(root, channel.stylesheet)


def _complete_head(root: Element, channel: Channel, show: PodcastShow | None) -> None:
    head = root[0]
    shown = ["atom", "content", "dc", "dcterms", *(["itunes"] if show else []), "media"]
    xml_builder.declare_namespaces(root, shown)
    xml_builder.add_text(head, "lastBuildDate", _date(channel.last_updated))
    xml_builder.add_text(head, f"{DC}creator", channel.author.name)
    xml_builder.add_links(head, f"{ATOM}link", links.channel_links(channel, "rss"))
    if show:
        xml_builder.add_show(head, channel, show)
    for element in list(root.iter()):  # all text of the head is plain, but for the note
        xml_builder.write_references(element)
    xml_builder.add_note(head, channel)


def _complete(item: Element, entry: Entry, channel: Channel, show: PodcastShow | None) -> None:
    xml_builder.add_text(item, "pubDate", _date(entry.published))
    if entry.updated != entry.published:
        xml_builder.add_text(item, f"{DCTERMS}modified", entry.updated.isoformat())
    if entry.authors:
        # In one element: of several, feed readers show the first or the last.
        signed = ", ".join(author.name for author in entry.authors)
        xml_builder.add_text(item, f"{DC}creator", signed)
    for one in entry.contributors:
        xml_builder.add_text(item, f"{DC}contributor", one.name)
    if channel.mixed or entry.language != channel.language:
        xml_builder.add_text(item, f"{DC}language", entry.language)
    if entry.translations:
        xml_builder.add_links(item, f"{ATOM}link", links.translation_links(entry))
    xml_builder.add_media(item, entry)
    if show:
        xml_builder.add_episode(item, entry, show)
    names = [author.name for author in (*entry.authors, *entry.contributors)]
    if xml_builder.looks_like_html("".join((entry.title, *entry.topics, *names))):
        for element in item.iterchildren(*_PLAIN):
            xml_builder.write_references(element)


def _date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=moment.tzinfo is UTC)
