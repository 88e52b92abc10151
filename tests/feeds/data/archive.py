"""A closed archive document between two others, with entries that were withdrawn."""

from datetime import UTC, datetime

from feeds import Author, Channel, Entry, Tombstone, tag_uri

CHANNEL = Channel(
    id=tag_uri("news.example.org", "2026", "feed/en"),
    title="The Lantern",
    description="Light on things",
    site_url="https://news.example.org/en/",
    addresses={"atom": "https://news.example.org/feeds/en/archive/2.atom.xml"},
    previous="https://news.example.org/feeds/en/archive/1.atom.xml",
    following="https://news.example.org/feeds/en/archive/3.atom.xml",
    current="https://news.example.org/feeds/en.atom.xml",
    language="en",
    author=Author(name="The Lantern"),
    updated=None,
    hubs=("https://hub.example.net/",),
    entries=(
        Entry(
            id=tag_uri("news.example.org", "2026", "rope/en"),
            url="https://news.example.org/en/rope",
            title="A rope",
            language="en",
            published=datetime(2025, 3, 2, 8, 0, tzinfo=UTC),
            updated=datetime(2025, 3, 2, 8, 0, tzinfo=UTC),
            content_html="<p>Long enough.</p>",
        ),
    ),
    tombstones=(
        Tombstone(
            entry_id=tag_uri("news.example.org", "2026", "bucket/en"),
            when=datetime(2025, 6, 1, 9, 30, tzinfo=UTC),
        ),
        Tombstone(
            entry_id=tag_uri("news.example.org", "2026", "pulley/en"),
            when=datetime(2025, 5, 1, 9, 30, tzinfo=UTC),
        ),
    ),
)
