"""Feeds as data: build a Channel of Entry objects, render it as RSS 2.0, Atom 1.0 or JSON Feed 1.1. Pure.

Equal channels give equal bytes. The modules of the formats are imported when the first document is rendered.
"""

from feeds.channels import Channel, PodcastShow, Tombstone, render
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

__all__ = ["ARCHIVE_FORMAT", "FEED_FORMATS", "Author", "Channel", "DuplicateEntryError"]
__all__ += ["Entry", "EntryAttachment", "FeedFormat", "FeedsError", "Image"]
__all__ += ["InvalidChannelError", "InvalidEntryError", "InvalidIdentifierError", "Link"]
__all__ += ["PodcastShow", "Tombstone", "render", "tag_uri"]
