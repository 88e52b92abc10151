from datetime import UTC, timedelta, timezone

import pytest

from feeds import (
    Author,
    DuplicateEntryError,
    InvalidChannelError,
    InvalidIdentifierError,
    PodcastShow,
    Tombstone,
)
from tests.feeds.samples import NOON, addresses, channel, entry

HOUR = timedelta(hours=1)


def test_a_duplicate_entry_is_refused_with_both_ids() -> None:
    with pytest.raises(DuplicateEntryError) as caught:
        channel(entry("lamp"), entry("well"), entry("lamp", title="Other"))
    assert caught.value.entry_id == "tag:example.org,2026:lamp/en"
    assert caught.value.channel_id == "tag:example.org,2026:feed/en"


def test_a_channel_is_as_new_as_its_newest_entry() -> None:
    entries = entry("a", updated=NOON + HOUR), entry("b", updated=NOON + 2 * HOUR)

    assert channel(*entries).updated == channel(*entries).last_updated == NOON + 2 * HOUR


def test_a_withdrawn_entry_is_a_change() -> None:
    gone = Tombstone(entry_id="tag:example.org,2026:gone/en", when=NOON + HOUR)

    assert channel(entry(), tombstones=(gone,)).last_updated == NOON + HOUR
    assert channel(updated=None, tombstones=(gone,)).last_updated == NOON + HOUR


def test_updated_of_a_channel_may_be_after_its_entries_but_not_before() -> None:
    one = entry(updated=NOON)

    assert channel(one, updated=NOON + HOUR).last_updated == NOON + HOUR
    assert channel(one, updated=NOON - HOUR).last_updated == NOON


def test_an_empty_channel_needs_updated() -> None:
    assert channel(updated=NOON).last_updated == NOON
    with pytest.raises(InvalidChannelError, match="it needs `updated`"):
        channel(updated=None)


def test_updated_without_time_zone_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(
        InvalidChannelError, match="updated 2026-01-09T12:00:00 has no time zone"
    ):
        channel(updated=naive)


@pytest.mark.parametrize("changes", [{"title": " "}, {"author": Author(name="\u200b")}])
def test_a_channel_needs_a_title_and_an_author(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidChannelError, match="is blank"):
        channel(**changes)


def test_a_blank_description_becomes_the_title() -> None:
    assert channel(description="").description == "The Lantern"


def test_blank_options_are_none() -> None:
    blank = channel(rights=" ", icon="", page_url="", stylesheet=" \n")

    assert (blank.rights, blank.icon, blank.page_url, blank.stylesheet) == (None,) * 4
    assert (
        PodcastShow(category=" ", image="", owner_name="\x00", owner_email="") == PodcastShow()
    )


def test_addresses_in_every_format_are_required() -> None:
    with pytest.raises(InvalidChannelError, match=r"no address for \['json'\]"):
        channel(addresses={"rss": "https://example.org/r", "atom": "https://example.org/a"})


def test_relative_addresses_are_refused() -> None:
    with pytest.raises(InvalidIdentifierError, match=r"'feed\.xml'"):
        channel(addresses=addresses("en") | {"rss": "feed.xml"})
    with pytest.raises(InvalidIdentifierError, match="'/hub'"):
        channel(hubs=("/hub",))


def test_channels_are_equal_in_any_time_zone() -> None:
    elsewhere = NOON.astimezone(timezone(8 * HOUR))
    one = channel(entry("a"), entry("b"))
    other = channel(entry("a"), entry("b", published=elsewhere))

    assert one == other
    assert one.last_updated.tzinfo is UTC


@pytest.mark.parametrize("hours", [0, 1])
def test_a_tombstone_of_an_unchanged_entry_is_dropped(hours: int) -> None:
    there = entry()
    gone = Tombstone(entry_id=there.id, when=there.updated + hours * HOUR)
    found = channel(there, tombstones=(gone,))

    assert found.tombstones == ()
    assert found.last_updated == channel(there).last_updated


def test_a_tombstone_of_a_restored_entry_stays() -> None:
    there = entry()
    gone = Tombstone(entry_id=there.id, when=there.updated - HOUR)
    other = Tombstone(entry_id="tag:example.org,2026:gone/en", when=there.updated + HOUR)

    assert channel(there, tombstones=(gone, other, gone)).tombstones == (gone, other)


@pytest.mark.parametrize("ttl", [0, -1])
def test_a_ttl_that_is_not_positive_is_refused(ttl: int) -> None:
    with pytest.raises(InvalidChannelError, match="ttl"):
        channel(entry(), ttl=ttl)
