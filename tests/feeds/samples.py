"""Minimal entries and channels, and shortcuts to the formats."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from feeds import FEED_FORMATS, Author, Channel, Entry, tag_uri
from feeds.renderers import atom, jsonfeed, rss

render_rss, render_atom, render_json = rss.render, atom.render, jsonfeed.render
RSS_TYPE, ATOM_TYPE, JSON_TYPE = (one.media_type for one in FEED_FORMATS)
NOON = datetime(2026, 1, 9, 12, 0, tzinfo=UTC)


def addresses(name: str) -> dict[str, str]:
    """Return where a document is published: `en`, or `en/archive/1`."""
    root = f"https://example.org/feeds/{name}"
    return {one.name: f"{root}.{one.suffix}" for one in FEED_FORMATS}


def entry(key: str = "one", **changes: Any) -> Entry:
    """Return an entry in English with the changes given."""
    plain = Entry(
        id=tag_uri("example.org", "2026", f"{key}/en"),
        url=f"https://example.org/en/{key}",
        title=f"Title of {key}",
        language="en",
        published=NOON,
        updated=NOON,
        content_html="<p>Text.</p>",
    )
    return replace(plain, **changes)


def channel(*entries: Entry, **changes: Any) -> Channel:
    """Return a channel in English with these entries and the changes given."""
    plain = Channel(
        id=tag_uri("example.org", "2026", "feed/en"),
        title="The Lantern",
        description="Light on things",
        site_url="https://example.org/en/",
        addresses=addresses("en"),
        language="en",
        entries=entries,
        author=Author(name="The Lantern"),
        updated=None if entries else NOON,
    )
    return replace(plain, **changes)
