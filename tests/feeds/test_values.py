from datetime import UTC, datetime, timedelta, timezone

import pytest

from feeds import InvalidChannelError, InvalidEntryError
from feeds.values import optional_line, optional_uri, utc_seconds


def test_moments_are_in_utc_and_whole_seconds() -> None:
    moment = datetime(2026, 1, 9, 20, 0, 0, 123456, timezone(timedelta(hours=8)))

    told = utc_seconds(moment, "when", "x")

    assert told.isoformat() == "2026-01-09T12:00:00+00:00"
    assert told.tzinfo is UTC


def test_moment_that_is_right_is_kept() -> None:
    moment = datetime(2026, 1, 9, tzinfo=UTC)

    assert utc_seconds(moment, "when", "x") is moment


@pytest.mark.parametrize("error", [InvalidEntryError, InvalidChannelError])
def test_moment_without_a_zone_is_refused_by_the_name_of_its_owner(
    error: type[InvalidEntryError | InvalidChannelError],
) -> None:
    naive = datetime(2026, 1, 9)  # noqa: DTZ001  # that it is refused is the point

    with pytest.raises(error, match="x: when 2026-01-09T00:00:00 has no time zone"):
        utc_seconds(naive, "when", "x", error)


def test_moment_that_utc_cannot_say_is_refused() -> None:
    before_time = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))

    with pytest.raises(InvalidEntryError, match="is no date in UTC"):
        utc_seconds(before_time, "when", "x")


@pytest.mark.parametrize("blank", [None, "", " \n", "\x00", "\u2066"], ids=ascii)
def test_blank_line_is_none(blank: str | None) -> None:
    assert optional_line(blank) is None


def test_line_is_cleaned() -> None:
    assert optional_line(" a\nb") == "a b"


@pytest.mark.parametrize("blank", [None, ""])
def test_blank_address_is_none(blank: str | None) -> None:
    assert optional_uri(blank) is None


def test_address_is_written_in_ascii() -> None:
    assert optional_uri("https://example.org/é") == "https://example.org/%C3%A9"
