"""A channel that carries sound and a film, and says what directories of podcasts ask for."""

from datetime import UTC, datetime

from feeds import Author, Channel, Entry, EntryAttachment, PodcastShow, tag_uri

SITE = "https://sound.example.org"


def _entry(
    key: str, day: int, *attachments: EntryAttachment, by: str = "First Author"
) -> Entry:
    moment = datetime(2026, 2, day, 6, 0, tzinfo=UTC)
    return Entry(
        id=tag_uri("sound.example.org", "2026", f"{key}/en"),
        url=f"{SITE}/en/{key}",
        title=f"About {key}",
        language="en",
        published=moment,
        updated=moment,
        summary=f"What one hears of {key}.",
        content_html=f"<p>What one hears of {key}.</p>",
        authors=(Author(name=by),),
        attachments=attachments,
    )


def _sound(key: str, length: int | None, duration: int | None) -> EntryAttachment:
    return EntryAttachment(
        url=f"{SITE}/{key}.mp3", media_type="audio/mpeg", length=length, duration=duration
    )


CHANNEL = Channel(
    id=tag_uri("sound.example.org", "2026", "feed/en"),
    title="Lantern & Sound",
    description="Things that one can hear",
    site_url=f"{SITE}/en/",
    addresses={
        "rss": f"{SITE}/feeds/en.rss.xml",
        "atom": f"{SITE}/feeds/en.atom.xml",
        "json": f"{SITE}/feeds/en.json",
    },
    language="en",
    author=Author(name="Lantern & Sound"),
    updated=None,
    podcast=PodcastShow(
        category="News > Daily News",
        image=f"{SITE}/square.png",
        owner_name="The Example House",
        owner_email="sound@example.org",
    ),
    entries=(
        _entry(
            "wind",
            4,
            _sound("wind", 1_234_567, 754),
            EntryAttachment(
                url=f"{SITE}/wind.mp4",
                media_type="video/mp4",
                length=98_765_432,
                title="The film",
                duration=760,
            ),
            EntryAttachment(
                url=f"{SITE}/wind.txt", media_type="text/plain", title="A & B, word by word"
            ),
        ),
        _entry("rain", 3, _sound("rain", None, 61), by="R&D"),
        _entry("silence", 2),
    ),
)
