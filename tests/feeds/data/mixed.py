"""A channel whose entries are in several languages, two of them at the same moment."""

from datetime import UTC, datetime

from feeds import Author, Channel, Entry, tag_uri


def _entry(language: str, title: str, day: int) -> Entry:
    moment = datetime(2026, 1, day, 8, 0, tzinfo=UTC)
    return Entry(
        id=tag_uri("news.example.org", "2026", f"lamp/{language}"),
        url=f"https://news.example.org/{language}/lamp",
        title=title,
        language=language,
        published=moment,
        updated=moment,
        summary=title,
        content_html=f"<p>{title}</p>",
    )


CHANNEL = Channel(
    id=tag_uri("news.example.org", "2026", "feed/all"),
    title="The Lantern: all languages",
    description="Every article in every language",
    site_url="https://news.example.org/",
    addresses={
        "rss": "https://news.example.org/feeds/all.rss.xml",
        "atom": "https://news.example.org/feeds/all.atom.xml",
        "json": "https://news.example.org/feeds/all.json",
    },
    language="en",
    mixed=True,
    author=Author(name="The Lantern"),
    updated=None,
    entries=(
        _entry("ar", "المصباح", 3),
        _entry("zh-Hant", "燈", 3),
        _entry("en", "The lamp", 1),
    ),
)
