"""A channel in a language that is written from right to left, with controls left open."""

from datetime import UTC, datetime

from feeds import Author, Channel, Entry, Link, tag_uri

SITE = "https://news.example.org"

CHANNEL = Channel(
    id=tag_uri("news.example.org", "2026", "feed/ar"),
    title="الفانوس",
    description="ضوء على الأشياء",
    site_url=f"{SITE}/ar/",
    addresses={
        "rss": f"{SITE}/feeds/ar.rss.xml",
        "atom": f"{SITE}/feeds/ar.atom.xml",
        "json": f"{SITE}/feeds/ar.json",
    },
    language="ar",
    author=Author(name="الفانوس"),
    updated=None,
    other_languages=(
        Link(
            url=f"{SITE}/feeds/en.rss.xml",
            language="en",
            title="The Lantern",
            type="application/rss+xml",
        ),
    ),
    entries=(
        Entry(
            id=tag_uri("news.example.org", "2026", "wells/ar"),
            url=f"{SITE}/ar/آبار",
            title="\u2067آبار \u202bو HTML & CSS",
            language="ar",
            published=datetime(2026, 1, 9, 5, 0, tzinfo=UTC),
            updated=datetime(2026, 1, 9, 5, 0, tzinfo=UTC),
            summary="عمق 5 < 6 \u200fمتر",
            content_html='<p dir="rtl">ماء <bdi lang="en">C++ 17</bdi> 👩‍💻</p>',
            authors=(Author(name="\u202eكاتب أول", affiliation="معهد المثال"),),
            topics=("ماء",),
            translations=(Link(url=f"{SITE}/en/wells", language="en", title="Wells & water"),),
        ),
        Entry(
            id=tag_uri("news.example.org", "2026", "rope/en"),
            url=f"{SITE}/en/rope",
            title="A rope, not yet translated",
            language="en",
            published=datetime(2026, 1, 8, 5, 0, tzinfo=UTC),
            updated=datetime(2026, 1, 8, 5, 0, tzinfo=UTC),
            content_html='<p lang="en" dir="ltr">Long enough.</p>',
        ),
    ),
)
