"""What a channel and its entries must have, and which errors say so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from feeds import (
    Author,
    DuplicateEntryError,
    EntryAttachment,
    FeedsError,
    Image,
    InvalidChannelError,
    InvalidEntryError,
    InvalidIdentifierError,
    Link,
    PodcastShow,
    Tombstone,
    errors,
)
from tests.feeds.samples import NOON, addresses, channel, entry

HOUR = timedelta(hours=1)


def test_a_duplicate_entry_is_refused_with_both_ids() -> None:
    with pytest.raises(DuplicateEntryError) as caught:
        channel(entry("lamp"), entry("well"), entry("lamp", title="Other"))
    assert caught.value.entry_id == "tag:example.org,2026:lamp/en"
    assert caught.value.channel_id == "tag:example.org,2026:feed/en"


def test_a_channel_is_as_new_as_its_newest_entry_or_withdrawal() -> None:
    entries = entry("a", updated=NOON + HOUR), entry("b", updated=NOON + 2 * HOUR)
    assert channel(*entries).updated == channel(*entries).last_updated == NOON + 2 * HOUR
    gone = Tombstone(entry_id="tag:example.org,2026:gone/en", when=NOON + HOUR)
    assert channel(entry(), tombstones=(gone,)).last_updated == NOON + HOUR
    assert channel(updated=None, tombstones=(gone,)).last_updated == NOON + HOUR


def test_updated_is_not_before_entries_nor_missing_in_an_empty_channel() -> None:
    one = entry(updated=NOON)
    assert channel(one, updated=NOON + HOUR).last_updated == NOON + HOUR
    assert channel(one, updated=NOON - HOUR).last_updated == NOON
    assert channel(updated=NOON).last_updated == NOON
    with pytest.raises(InvalidChannelError, match="it needs `updated`"):
        channel(updated=None)
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(
        InvalidChannelError, match="updated 2026-01-09T12:00:00 has no time zone"
    ):
        channel(updated=naive)


@pytest.mark.parametrize("changes", [{"title": " "}, {"author": Author(name="\u200b")}])
def test_a_channel_needs_a_title_and_an_author(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidChannelError, match="is blank"):
        channel(**changes)


def test_blank_descriptions_and_options_are_the_title_or_none() -> None:
    assert channel(description="").description == "The Lantern"
    blank = channel(page_url="", stylesheet=" \n")
    assert (blank.page_url, blank.stylesheet) == (None, None)
    assert (
        PodcastShow(category=" ", image="", owner_name="\x00", owner_email="") == PodcastShow()
    )


def test_addresses_are_required_in_every_format_and_absolute() -> None:
    with pytest.raises(InvalidChannelError, match=r"no address for \['json'\]"):
        channel(addresses={"rss": "https://example.org/r", "atom": "https://example.org/a"})
    with pytest.raises(InvalidIdentifierError, match=r"'feed\.xml'"):
        channel(addresses=addresses("en") | {"rss": "feed.xml"})
    with pytest.raises(InvalidIdentifierError, match="'/hub'"):
        channel(hubs=("/hub",))
    with pytest.raises(InvalidIdentifierError, match="'/a'"):
        entry(url="/a")


def test_channels_are_equal_in_any_time_zone() -> None:
    elsewhere = NOON.astimezone(timezone(8 * HOUR))
    one = channel(entry("a"), entry("b"))
    other = channel(entry("a"), entry("b", published=elsewhere))
    assert one == other
    assert one.last_updated.tzinfo is UTC


def test_tombstones_stand_once_each_also_beside_their_entry() -> None:
    there = entry()
    gone = Tombstone(entry_id=there.id, when=there.updated - HOUR)
    other = Tombstone(entry_id=there.id, when=there.updated + HOUR)
    found = channel(there, tombstones=(gone, other, gone))
    assert found.tombstones == (gone, other)
    assert found.last_updated == there.updated + HOUR


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_ttl_that_is_not_positive_is_refused(ttl: int) -> None:
    with pytest.raises(InvalidChannelError, match="ttl"):
        channel(entry(), ttl=ttl)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"published": datetime(1, 1, 1, tzinfo=timezone(14 * HOUR))}, InvalidEntryError),
        (
            {"published": datetime(9999, 12, 31, 23, tzinfo=timezone(-12 * HOUR))},
            InvalidEntryError,
        ),
        ({"url": "//example.org/x"}, InvalidIdentifierError),
        ({"id": " \x00"}, InvalidIdentifierError),
        ({"language": "pt_BR"}, InvalidIdentifierError),
        ({"language": ""}, InvalidIdentifierError),
    ],
)
def test_an_entry_that_no_feed_can_say_is_refused_in_one_line(
    changes: dict[str, Any], error: type[FeedsError]
) -> None:
    with pytest.raises(error) as caught:
        entry(**changes)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_a_tombstone_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidEntryError, match="no time zone"):
        Tombstone(entry_id="tag:a,2026:b", when=NOON.replace(tzinfo=None))


SOUND = EntryAttachment(url="https://example.org/a.mp3", media_type="audio/mpeg", length=9)
PAPER = EntryAttachment(url="https://example.org/a.pdf", media_type="application/pdf")


@pytest.mark.parametrize("field", ["published", "updated"])
def test_a_date_without_time_zone_is_refused_with_the_entry_s_id(field: str) -> None:
    naive = datetime(2026, 1, 9, 12)  # noqa: DTZ001  # naive on purpose
    with pytest.raises(InvalidEntryError) as caught:
        entry("lamp", **{field: naive})
    assert str(caught.value) == (
        f"entry tag:example.org,2026:lamp/en: {field} 2026-01-09T12:00:00 has no time zone"
    )


def test_updated_is_never_before_published() -> None:
    assert entry(published=NOON, updated=NOON - HOUR).updated == NOON


@pytest.mark.parametrize("title", ["", " \x00\n", "\u200b\u2066"])
def test_an_invisible_title_becomes_the_address(title: str) -> None:
    assert entry("lamp", title=title).title == "https://example.org/en/lamp"


def test_strings_are_cleaned_and_directions_in_them_closed() -> None:
    dirty = entry(
        title="A\x0b\nB",
        summary=" Cafe\u0301\x00 ",
        content_html="<p>\ud800x</p>",
        authors=(Author(name="A\tB", affiliation="C\x00"),),
        topics=("a\x0b", "a", " ", "b"),
        image=Image(url="https://example.org/a b.png", alt="\x00a"),
        attachments=(
            EntryAttachment(
                url="https://example.org/a b", media_type=" Audio/MPEG\n", title="\x00"
            ),
        ),
    )
    assert (dirty.title, dirty.summary, dirty.content_html) == ("A B", "Café", "<p>x</p>")
    assert dirty.authors == (Author(name="A B", affiliation="C"),)
    assert dirty.topics == ("a", "b")
    assert dirty.image == Image(url="https://example.org/a%20b.png", alt="a")
    assert dirty.attachments == (
        EntryAttachment(url="https://example.org/a%20b", media_type="audio/mpeg"),
    )
    turned = "\u202eabc"
    one = entry(title=turned, summary=turned, topics=(turned,), authors=(Author(name=turned),))
    texts = one.title, one.summary, one.topics[0], one.authors[0].name
    assert set(texts) == {"\u202eabc\u202c"}


def test_an_author_without_a_name_is_dropped_and_lists_become_tuples() -> None:
    assert entry(authors=(Author(name=" ", url="https://example.org/"),)).authors == ()
    link = Link(url="https://example.org/", language="ar")
    one = entry(
        topics=["a"], authors=[Author(name="A")], translations=[link], attachments=[SOUND]
    )
    assert (one.topics, one.translations, one.attachments) == (("a",), (link,), (SOUND,))
    assert one.authors == (Author(name="A"),)


@pytest.mark.parametrize(
    ("media_type", "medium"),
    [
        ("audio/ogg", "audio"),
        ("Video/MP4", "video"),
        ("image/png", "image"),
        ("application/pdf", "document"),
        ("", "document"),
    ],
)
def test_medium_has_the_name_of_media_rss(media_type: str, medium: str) -> None:
    one = EntryAttachment(url="https://example.org/a", media_type=media_type)
    assert one.medium == medium


def test_the_enclosure_is_the_first_playable_file_of_known_length() -> None:
    assert entry().enclosure is None
    assert entry(attachments=(PAPER,)).enclosure is None
    assert entry(attachments=(PAPER, SOUND)).enclosure == SOUND
    paper = replace(PAPER, length=10)
    assert entry(attachments=(paper,)).enclosure == paper
    assert entry(attachments=(paper, SOUND)).enclosure == SOUND


@pytest.mark.parametrize("length", [0, -1, None])
def test_a_file_of_unknown_length_is_not_an_enclosure(length: int | None) -> None:
    sound = EntryAttachment(url="https://example.org/a", media_type="audio/mpeg", length=length)
    assert entry(attachments=(sound,)).enclosure is None


def test_an_unknown_media_type_is_octet_stream_and_a_summary_keeps_its_lines() -> None:
    unknown = EntryAttachment(url="https://example.org/a", media_type=" ")
    assert unknown.media_type == "application/octet-stream"
    assert entry(summary=" a\r\nb ").summary == "a\nb"
    assert entry(summary="\u2028\u200b").summary == ""


def test_errors_carry_ids_and_values() -> None:
    defined = {name for name in vars(errors) if name.endswith("Error")}
    assert all(issubclass(getattr(errors, name), FeedsError) for name in defined)
    duplicate = DuplicateEntryError("tag:c", "tag:e")
    assert InvalidIdentifierError("x y", "is odd").value == "x y"
    assert InvalidEntryError("tag:e", "is odd").entry_id == "tag:e"
    assert InvalidChannelError("tag:c", "is odd").channel_id == "tag:c"
    assert (duplicate.channel_id, duplicate.entry_id) == ("tag:c", "tag:e")
