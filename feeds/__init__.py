"""What is polled: Channel and Entry in, bytes out, as RSS 2.0, Atom 1.0 or JSON Feed 1.1.

Pure: reads no clock, disk, network or database, and knows nothing of the application or
its subscribers. Equal channels give equal bytes, so a file changes only when content does.
The XML engines are imported when the first document is rendered, not before.
"""

from collections.abc import Callable
from dataclasses import dataclass

from feeds import jsonfeed
from feeds.channels import Channel, FormatUrls, PodcastShow, Tombstone
from feeds.entries import Author, Entry, EntryAttachment, Image, Link
from feeds.errors import (
    DuplicateEntryError,
    FeedsError,
    InvalidChannelError,
    InvalidEntryError,
    InvalidIdentifierError,
)
from feeds.identifiers import tag_uri
from feeds.links import ATOM_TYPE, JSON_TYPE, RSS_TYPE

__all__ = [
    "FEED_FORMATS",
    "Author",
    "Channel",
    "DuplicateEntryError",
    "Entry",
    "EntryAttachment",
    "FeedFormat",
    "FeedsError",
    "FormatUrls",
    "Image",
    "InvalidChannelError",
    "InvalidEntryError",
    "InvalidIdentifierError",
    "Link",
    "PodcastShow",
    "Tombstone",
    "render_atom",
    "render_json",
    "render_rss",
    "tag_uri",
]


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """A way to publish a channel: its file's suffix, its media type, and how to write it."""

    name: str
    suffix: str
    media_type: str
    render: Callable[[Channel], bytes]


def render_rss(channel: Channel) -> bytes:
    """Return the channel as an RSS 2.0 document in UTF-8."""
    from feeds import rss

    return rss.render(channel)


def render_atom(channel: Channel) -> bytes:
    """Return the channel as an Atom 1.0 document in UTF-8."""
    from feeds import atom

    return atom.render(channel)


def render_json(channel: Channel) -> bytes:
    """Return the channel as a JSON Feed 1.1 document in UTF-8."""
    return jsonfeed.render(channel)


FEED_FORMATS = (
    FeedFormat("rss", "rss.xml", RSS_TYPE, render_rss),
    FeedFormat("atom", "atom.xml", ATOM_TYPE, render_atom),
    FeedFormat("json", "json", JSON_TYPE, render_json),
)
