from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest

from feeds import (
    Author,
    DuplicateEntryError,
    FeedsError,
    Image,
    InvalidChannelError,
    InvalidEntryError,
    InvalidIdentifierError,
    Link,
)
from tests.feeds.samples import NOON, channel, entry

HOUR = timedelta(hours=1)


def test_values_are_frozen_and_slotted() -> None:
    one = entry()

    with pytest.raises(FrozenInstanceError):
        one.title = "Other"  # type: ignore[misc]  # that it is refused is the point
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("field", ["published", "updated"])
def test_naive_date_is_refused_with_the_entry_named(field: str) -> None:
    naive = datetime(2026, 1, 9, 12)  # noqa: DTZ001  # that it is refused is the point

    with pytest.raises(InvalidEntryError) as caught:
        entry("lamp", **{field: naive})
    assert str(caught.value) == (
        f"entry tag:example.org,2026:lamp/en: {field} 2026-01-09T12:00:00 has no time zone"
    )


def test_date_that_utc_cannot_say_is_refused() -> None:
    before_time = datetime(1, 1, 1, tzinfo=timezone(HOUR))

    with pytest.raises(InvalidEntryError, match="is no date in UTC"):
        entry(published=before_time)


def test_dates_are_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 1, 9, 20, 0, 0, 123456, timezone(8 * HOUR))

    assert entry(published=moment).published.isoformat() == "2026-01-09T12:00:00+00:00"


def test_entry_is_never_updated_before_it_was_published() -> None:
    assert entry(published=NOON, updated=NOON - HOUR).updated == NOON


def test_blank_title_becomes_the_address() -> None:
    assert entry("lamp", title=" \x00\n").title == "https://example.org/en/lamp"


def test_strings_are_cleaned() -> None:
    dirty = entry(
        title="A\x0b\nB",
        summary=" Cafe\u0301\x00 ",
        content_html="<p>\ud800x</p>",
        authors=(Author(name="A\tB", affiliation="C\x00"),),
        topics=("a\x0b", "a", " ", "b"),
        image=Image(url="https://example.org/a b.png", alt="\x00a"),
    )

    assert (dirty.title, dirty.summary, dirty.content_html) == ("A B", "Café", "<p>x</p>")
    assert dirty.authors == (Author(name="A B", affiliation="C"),)
    assert dirty.topics == ("a", "b")
    assert dirty.image == Image(url="https://example.org/a%20b.png", alt="a")


def test_author_without_a_name_is_dropped() -> None:
    assert entry(authors=(Author(name=" ", url="https://example.org/"),)).authors == ()


def test_blank_options_are_none() -> None:
    link = Link(url="https://example.org/", language="ar", title=" ", type="")

    assert (link.title, link.type) == (None, None)
    assert Author(name="A", affiliation="", url="").url is None
    assert channel(rights=" ", icon="").rights is None


def test_relative_addresses_are_refused() -> None:
    with pytest.raises(InvalidIdentifierError, match="'/a'"):
        entry(url="/a")
    with pytest.raises(InvalidIdentifierError, match=r"'feed\.xml'"):
        channel(rss_url="feed.xml")


def test_duplicate_entry_is_refused_with_both_ids() -> None:
    with pytest.raises(DuplicateEntryError) as caught:
        channel(entry("lamp"), entry("well"), entry("lamp", title="Other"))
    assert caught.value.entry_id == "tag:example.org,2026:lamp/en"
    assert caught.value.channel_id == "tag:example.org,2026:feed/en"


def test_entries_stand_newest_first_then_by_id() -> None:
    ordered = [entry("c", published=NOON + HOUR), entry("a"), entry("b"), entry("d")]
    shuffled = Random(4).sample(ordered, len(ordered))

    assert list(channel(*shuffled).entries) == ordered


def test_channel_was_updated_when_its_newest_change_was() -> None:
    entries = entry("a", updated=NOON + HOUR), entry("b", updated=NOON + 2 * HOUR)

    assert channel(*entries).updated == channel(*entries).last_updated == NOON + 2 * HOUR


def test_channel_can_have_changed_after_its_entries_but_not_before() -> None:
    one = entry(updated=NOON)

    assert channel(one, updated=NOON + HOUR).last_updated == NOON + HOUR
    assert channel(one, updated=NOON - HOUR).last_updated == NOON


def test_empty_channel_has_to_say_when_it_changed() -> None:
    assert channel(updated=NOON).last_updated == NOON
    with pytest.raises(InvalidChannelError, match="has no entries"):
        channel(updated=None)


def test_naive_date_of_a_channel_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(
        InvalidChannelError, match="updated 2026-01-09T12:00:00 has no time zone"
    ):
        channel(updated=naive)


@pytest.mark.parametrize("field", ["title", "author_name"])
def test_channel_needs_a_title_and_an_author(field: str) -> None:
    with pytest.raises(InvalidChannelError, match="is blank"):
        channel(**{field: " "})


def test_blank_description_becomes_the_title() -> None:
    assert channel(description="").description == "The Lantern"


def test_every_refusal_is_a_feeds_error() -> None:
    with pytest.raises(FeedsError):
        entry(id="no address")
    with pytest.raises(FeedsError):
        entry(language="zh_Hant")


def test_equal_channels_are_equal_whatever_the_order_and_zone() -> None:
    elsewhere = NOON.astimezone(timezone(8 * HOUR))
    one = channel(entry("a"), entry("b"))
    other = channel(entry("b", published=elsewhere), entry("a"))

    assert one == other
    assert one.last_updated.tzinfo is UTC
