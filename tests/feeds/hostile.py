"""Channels of hostile input.

CLEAN channels keep the contract of the values (HTML is balanced and safe, addresses are
absolute) and are hostile within it, so what is made of them must have no fault at all. ROUGH
channels break it: their documents must still be well-formed and leave neighbours untouched.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from html import escape

from feeds import (
    Author,
    Channel,
    Entry,
    EntryAttachment,
    Image,
    Link,
    PodcastShow,
    Tombstone,
)
from tests.feeds import samples
from tests.feeds.hostile_texts import BODIES, ROUGH_BODIES, TEXTS

SITE = "https://example.org"
START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)

_TEXT_OF_NEIGHBOURS = "A quiet neighbour"


def neighbour(key: str, moment: datetime = START) -> Entry:
    """Return a plain entry, whose bytes must not depend on other entries."""
    return entry(
        f"neighbour-{key}",
        moment,
        title=f"{_TEXT_OF_NEIGHBOURS}: {key}",
        summary="Nothing to be seen here.",
        content_html="<p>Nothing to be seen here.</p>",
    )


def entry(key: str, moment: datetime = START, **changes: object) -> Entry:
    """Return an entry in English with these changes."""
    return samples.entry(key, **({"published": moment, "updated": moment} | changes))


def channel(name: str, *entries: Entry, **changes: object) -> Channel:
    """Return a channel with these entries, newest first as they are given."""
    return samples.channel(*entries, **({"title": f"Hostile: {name}"} | changes))


def between_neighbours(*entries: Entry) -> tuple[Entry, ...]:
    """Return the entries with plain ones before, between and after them."""
    placed = [neighbour("0", START + timedelta(days=len(entries) + 1))]
    for number, one in enumerate(entries, start=1):
        placed += [one, neighbour(str(number), START + timedelta(days=number, seconds=number))]
    return tuple(placed)


def texts() -> Channel:
    entries = (
        entry(
            f"text-{name}",
            START + timedelta(minutes=number),
            title=text,
            summary=text,
            content_html=f"<p>{escape(text)}</p>" if _is_html_safe(text) else "<p>x</p>",
            authors=(Author(name=text, affiliation=text), Author(name="A. Byline")),
            contributors=(Author(name=text, url=f"{SITE}/{name}"),),
            topics=(text, "plain"),
            translations=(Link(url=f"{SITE}/ar/{name}", language="ar", title=text),),
            image=Image(url=f"{SITE}/{name}.png", alt=text),
            attachments=(
                EntryAttachment(
                    url=f"{SITE}/{name}.mp3", media_type="audio/mpeg", length=9, title=text
                ),
                EntryAttachment(
                    url=f"{SITE}/{name}.pdf", media_type="application/pdf", title=text
                ),
            ),
        )
        for number, (name, text) in enumerate(TEXTS.items())
    )
    worst = "".join(text for name, text in TEXTS.items() if len(text) < 1000)
    return channel(
        "texts",
        *between_neighbours(*entries),
        title=f"The Lantern {worst}",
        description=worst,
        author=Author(name=f"The Lantern {worst}", affiliation=worst),
        other_languages=(Link(url=f"{SITE}/feeds/ar.rss.xml", language="ar", title=worst),),
    )


def bodies() -> Channel:
    """Return a channel with bodies that are large, deep and unusual, but valid."""
    entries = (
        entry(f"body-{name}", START + timedelta(minutes=number), content_html=body)
        for number, (name, body) in enumerate(BODIES.items())
    )
    return channel("bodies", *between_neighbours(*entries))


def rough_bodies() -> Channel:
    entries = (
        entry(f"rough-{name}", START + timedelta(minutes=number), content_html=body)
        for number, (name, body) in enumerate(ROUGH_BODIES.items())
    )
    return channel("rough-bodies", *between_neighbours(*entries))


def identities() -> Channel:
    """Return a channel whose ids and addresses are legal and unusual, in many languages."""
    odd = (
        ("unicode-id", "tag:example.org,2026:灯笼/👩‍💻/é", f"{SITE}/灯笼?q=é#ü", "zh-Hans"),
        (
            "unicode-host",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "https://例え.jp/",
            "ja",
        ),
        ("quotes-in-id", "tag:example.org,2026:a'b(c)!*&d=<e>", f"{SITE}/a'b(c)", "ar"),
        (
            "long-id",
            "tag:example.org,2026:" + "x" * 2000,
            f"{SITE}/" + "y" * 2000,
            "sr-Latn-RS",
        ),
        ("ids-differ-in-case", "tag:example.org,2026:A", f"{SITE}/A", "pt-BR"),
        ("ids-differ-in-case-2", "tag:example.org,2026:a", f"{SITE}/a", "he"),
        ("ampersands", "tag:example.org,2026:q?a=1&lang=en", f"{SITE}/?a=1&lang=en", "mul"),
    )
    entries = (
        entry(name, START + timedelta(minutes=number), id=key, url=url, language=language)
        for number, (name, key, url, language) in enumerate(odd)
    )
    stones = tuple(
        Tombstone(entry_id=f"tag:example.org,2026:gone/{number}", when=START)
        for number in (1, 2, 2, "灯")
    )
    return channel(
        "identities",
        *between_neighbours(*entries),
        mixed=True,
        language="mul",
        tombstones=stones,
    )


def same() -> Channel:
    """Return a channel whose entries have one title, one body and one moment."""
    copies = [
        entry(f"copy-{number}", title="The same", content_html="") for number in range(50)
    ]
    return channel("same", *copies)


def zones() -> Channel:
    """Return a channel with dates in many time zones, with fractions of seconds."""
    offsets = (-12 * 60, -570, -1, 0, 345, 525, 14 * 60)
    entries = (
        entry(
            f"zone-{number}",
            (START + timedelta(days=number)).astimezone(timezone(timedelta(minutes=offset))),
            updated=START + timedelta(days=number, microseconds=999_999),
        )
        for number, offset in enumerate(offsets)
    )
    return channel("zones", *between_neighbours(*entries), updated=START)


def archive() -> Channel:
    """Return an archive document with all fields of a channel."""
    return channel(
        "archive/2",
        *between_neighbours(entry("old", content_html=BODIES["right-to-left"])),
        addresses=samples.addresses("archive/2"),
        previous=samples.addresses("archive/1")["atom"],
        following=samples.addresses("archive/3")["atom"],
        current=samples.addresses("en")["atom"],
        hubs=("https://hub.example.org/?a=1&b=2", "https://hub.example.org/?a=1&b=2"),
        page_url=f"{SITE}/en/feeds/?a=1&b=2",
        stylesheet="/feeds/style.en.css?>&\"'",
        ttl=60,
        podcast=PodcastShow(
            category="News > Daily News",
            owner_name="The Lantern & <friends>",
            owner_email="post@example.org",
            image=f"{SITE}/square.png",
        ),
    )


def podcast() -> Channel:
    """Return a channel with audio, video and documents of known and unknown lengths."""
    sound = EntryAttachment(
        url=f"{SITE}/a.mp3?b=1&c=2", media_type="Audio/MPEG", length=2**40, title="<b>R&D</b>"
    )
    film = EntryAttachment(url=f"{SITE}/a.mp4", media_type="video/mp4", length=1, duration=1)
    unknown = EntryAttachment(url=f"{SITE}/b.mp3", media_type="audio/mpeg", duration=86_400)
    entries = (
        entry("sound", attachments=(sound, film, unknown)),
        entry("film", START + timedelta(hours=1), attachments=(film, film)),
        entry("unknown", START + timedelta(hours=2), attachments=(unknown,)),
    )
    return channel(
        "podcast",
        *between_neighbours(*entries),
        podcast=PodcastShow(category="News", owner_email="post@example.org", explicit=True),
    )


def empty() -> Channel:
    """Return a channel without entries."""
    return channel("empty")


def dates() -> Channel:
    """Return a channel with the first and last dates of the calendar, which validators find implausible."""
    return channel(
        "dates",
        *between_neighbours(
            entry("first", datetime(1, 1, 1, tzinfo=UTC)),
            entry("last", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
            entry("last-too", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
            entry("leap", datetime(2024, 2, 29, tzinfo=UTC)),
        ),
    )


CLEAN: dict[str, Callable[[], Channel]] = {
    "texts": texts,
    "bodies": bodies,
    "identities": identities,
    "same": same,
    "zones": zones,
    "podcast": podcast,
    "empty": empty,
}
ROUGH: dict[str, Callable[[], Channel]] = {"rough-bodies": rough_bodies, "dates": dates}


def _is_html_safe(text: str) -> bool:
    """Return whether HTML allows all characters of a text."""
    return not any(
        ord(c) in range(0x7F, 0xA0)
        or ord(c) & 0xFFFE == 0xFFFE
        or ord(c) in range(0xFDD0, 0xFDF0)
        for c in text
    )
