"""Two other libraries read the same out of all formats, and it is what the channel holds.

Names of the libraries stand in the tests, for what each cannot see is not asked of it.
"""

from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

import feeds
from feeds import FEED_FORMATS, Channel, Entry, FeedFormat
from tests.feeds import data, hostile
from tests.feeds.readers import Enclosure, Item, by_atoma, by_feedparser, json_languages
from tools.feed_validator import faults

STYLES = {style.name: style for style in FEED_FORMATS}
# Without dates before 1970 and after 2038, which some parsers do not support.
CHANNELS: dict[str, Callable[[], Channel]] = {
    **{
        name: lambda channel=channel: channel  # type: ignore[misc]
        for name, channel in data.CHANNELS.items()
        if not channel.is_archive
    },
    "hostile-identities": hostile.identities,
    "hostile-zones": hostile.zones,
    "hostile-podcast": hostile.podcast,
    "hostile-same": hostile.same,
    "hostile-bodies": hostile.bodies,
}


@pytest.fixture(scope="module", params=CHANNELS)
def made(request: pytest.FixtureRequest) -> Channel:
    return CHANNELS[request.param]()


@pytest.fixture(scope="module", params=[*hostile.CLEAN, *hostile.ROUGH])
def any_hostile(request: pytest.FixtureRequest) -> Channel:
    return (hostile.CLEAN | hostile.ROUGH)[request.param]()


def expected(entry: Entry) -> Item:
    played = entry.enclosure
    return Item(
        id=entry.id,
        link=entry.url,
        title=entry.title,
        published=entry.published,
        updated=entry.updated,
        enclosure=Enclosure(played.url, played.media_type, played.length or 0)
        if played
        else None,
        language=entry.language,
    )


def comparable(item: Item, **unseen: Any) -> Item:
    """Return an item without the fields that a library lacks; Atom titles may be HTML."""
    return replace(item, title=unescape(item.title), **unseen)


def known(made: Channel, **unseen: Any) -> list[Item]:
    return [comparable(expected(entry), **unseen) for entry in made.entries]


def test_feedparser_reads_rss_and_atom_as_they_were_meant(made: Channel) -> None:
    reading = by_feedparser(feeds.render(STYLES["rss"], made))
    assert (reading.link, reading.language) == (made.site_url, made.language)
    assert [comparable(item, updated=None) for item in reading.items] == known(
        made, updated=None
    )
    reading = by_feedparser(feeds.render(STYLES["atom"], made))
    assert (reading.link, reading.language) == (made.site_url, made.language)
    assert [comparable(item) for item in reading.items] == known(made)


def test_atoma_reads_json_as_it_was_meant_with_its_languages(made: Channel) -> None:
    document = feeds.render(STYLES["json"], made)
    reading = by_atoma(document)
    assert (unescape(reading.title), reading.link) == (made.title, made.site_url)
    assert [comparable(item) for item in reading.items] == known(made, language=None)
    languages = [entry.language for entry in made.entries]
    assert json_languages(document) == (made.language, languages)


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_every_hostile_entry_comes_back(any_hostile: Channel, style: FeedFormat) -> None:
    read = by_atoma if style.name == "json" else by_feedparser
    ids = [item.id for item in read(feeds.render(style, any_hostile)).items]
    assert ids == [entry.id for entry in any_hostile.entries]


@pytest.mark.parametrize("style", FEED_FORMATS, ids=lambda style: style.name)
def test_neighbours_are_the_same_as_if_they_were_alone(
    any_hostile: Channel, style: FeedFormat
) -> None:
    quiet = [entry for entry in any_hostile.entries if "neighbour-" in entry.url]
    alone = replace(any_hostile, entries=tuple(quiet), updated=any_hostile.last_updated)
    assert parts(style, any_hostile) == parts(style, alone)


def parts(style: FeedFormat, made: Channel) -> list[bytes]:
    """Return the bytes of the plain entries."""
    document = feeds.render(style, made)
    start, end = {
        "rss": (b"\n    <item>", b"</item>"),
        "atom": (b"\n  <entry", b"</entry>"),
        "json": (b'\n    {\n      "id"', b"\n    }"),
    }[style.name]
    entries = [start + part.partition(end)[0] for part in document.split(start)[1:]]
    return [entry for entry in entries if b"/en/neighbour-" in entry]


def test_dates_at_the_ends_of_the_calendar_are_their_only_fault() -> None:
    channel = hostile.dates()
    for style in FEED_FORMATS:
        found = faults(feeds.render(style, channel), style.name)  # type: ignore[arg-type] # its name is one of them
        assert found
        assert all("is not plausible (6)" in fault for fault in found)
