"""A channel without a language of its own: each entry has one."""

from datetime import UTC, datetime

from feeds import Channel, Entry, tag_uri


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
    rss_url="https://news.example.org/feeds/all.rss.xml",
    atom_url="https://news.example.org/feeds/all.atom.xml",
    json_url="https://news.example.org/feeds/all.json",
    language=None,
    author_name="The Lantern",
    updated=None,
    entries=(
        _entry("en", "The lamp", 1),
        _entry("zh-Hant", "燈", 2),
        _entry("ar", "المصباح", 3),
    ),
)
