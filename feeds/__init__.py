"""Feeds as data: build a Channel of Entry objects, render it as RSS 2.0, Atom 1.0 or JSON Feed 1.1.

The package is pure: it reads no clock, file, network or database. Equal channels give equal
bytes, so a file changes only when its content does. The modules of the formats, and the XML
libraries that they use, are imported when the first document is rendered.
"""

from importlib import import_module

from feeds.channels import Channel, PodcastShow, Tombstone
from feeds.entries import Author, Entry, EntryAttachment, Image, Link
from feeds.errors import (
    DuplicateEntryError,
    FeedsError,
    InvalidChannelError,
    InvalidEntryError,
    InvalidIdentifierError,
)
from feeds.formats import ARCHIVE_FORMAT, FEED_FORMATS, FeedFormat
from feeds.normalisation import tag_uri

__all__ = [
    "ARCHIVE_FORMAT",
    "FEED_FORMATS",
    "Author",
    "Channel",
    "DuplicateEntryError",
    "Entry",
    "EntryAttachment",
    "FeedFormat",
    "FeedsError",
    "Image",
    "InvalidChannelError",
    "InvalidEntryError",
    "InvalidIdentifierError",
    "Link",
    "PodcastShow",
    "Tombstone",
    "render",
    "tag_uri",
]


def render(feed_format: FeedFormat, channel: Channel) -> bytes:
    """Return the channel as a document in UTF-8. Raise InvalidChannelError for an archive in another format than Atom."""
    if channel.is_archive and feed_format.name != ARCHIVE_FORMAT:
        raise InvalidChannelError(channel.id, "an archive document exists in Atom alone")
    document: bytes = import_module(feed_format.module).render(channel)
    return document
