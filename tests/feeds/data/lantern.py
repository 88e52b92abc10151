"""A subscription document in one language that uses everything a channel can have."""

from datetime import UTC, datetime, timedelta, timezone

from feeds import Author, Channel, Entry, EntryAttachment, Image, Link, tag_uri

CHANNEL = Channel(
    id=tag_uri("news.example.org", "2026", "feed/en"),
    title="The Lantern & Friends",
    description="Light on <small> things",
    site_url="https://news.example.org/en/",
    addresses={
        "rss": "https://news.example.org/feeds/en.rss.xml",
        "atom": "https://news.example.org/feeds/en.atom.xml",
        "json": "https://news.example.org/feeds/en.json",
    },
    previous="https://news.example.org/feeds/en/archive/7.atom.xml",
    page_url="https://news.example.org/en/feeds/",
    hubs=("https://hub.example.net/",),
    stylesheet="/feeds/style.en.css",
    icon="https://news.example.org/icon-192.png",
    note="<div lang='en'><p>A feed &amp; <br>its <a href='https://news.example.org/en/'>page</a></p></div>",
    ttl=15,
    language="en",
    author=Author(
        name="The Lantern", affiliation="Example House", url="https://news.example.org/about"
    ),
    updated=None,
    other_languages=(
        Link(
            url="https://news.example.org/feeds/ar.rss.xml",
            language="ar",
            title="الفانوس",
            type="application/rss+xml",
        ),
        Link(
            url="https://news.example.org/feeds/ar.atom.xml",
            language="ar",
            title="الفانوس",
            type="application/atom+xml",
        ),
        Link(
            url="https://news.example.org/feeds/zh-Hans.atom.xml",
            language="zh-Hans",
            title="灯笼",
            type="application/atom+xml",
        ),
    ),
    entries=(
        Entry(
            id=tag_uri("news.example.org", "2026", "wells/en"),
            url="https://news.example.org/en/wells",
            title="Wells & <water>: 5 < 6",
            language="en",
            published=datetime(2026, 1, 8, 20, 0, 0, 999, timezone(timedelta(hours=8))),
            updated=datetime(2026, 1, 9, 1, 2, 3, tzinfo=UTC),
            summary="Where 5 < 6 & what follows.",
            content_html='<p>Deep &amp; wide.</p><p lang="ar" dir="rtl">ماء</p>',
            authors=(
                Author(
                    name="First Author",
                    affiliation="Example Institute, Department of Wells",
                    url="https://news.example.org/en/authors/first",
                ),
                Author(name="作者二"),
            ),
            contributors=(Author(name="Translator & Co"), Author(name=" ")),
            topics=("water", "R&D"),
            translations=(
                Link(url="https://news.example.org/ar/wells", language="ar", title="آبار"),
                Link(url="https://news.example.org/zh-Hans/井", language="zh-Hans"),
            ),
            image=Image(
                url="https://news.example.org/wells.png", alt="A well", width=640, height=480
            ),
            attachments=(
                EntryAttachment(
                    url="https://news.example.org/wells.pdf",
                    media_type="application/pdf",
                    length=48_000,
                    title="Plans of all wells",
                ),
                EntryAttachment(
                    url="https://news.example.org/map.svg",
                    media_type="image/svg+xml",
                    title="Map <draft>",
                ),
            ),
        ),
        Entry(
            id=tag_uri("news.example.org", "2026", "short/en"),
            url="https://news.example.org/en/short",
            title="Short, and without a summary",
            language="en",
            published=datetime(2026, 1, 5, 6, 30, tzinfo=UTC),
            updated=datetime(2026, 1, 5, 6, 30, tzinfo=UTC),
            content_html="<p>One paragraph.</p>",
        ),
    ),
)
