from datetime import UTC, datetime, timedelta, timezone

from publisher.clock import Clock, FixedClock, SystemClock


def test_the_systems_clock_tells_the_present_in_whole_seconds_of_utc() -> None:
    clock: Clock = SystemClock()
    told = clock.now()
    assert told.tzinfo is UTC
    assert told.microsecond == 0
    assert abs(datetime.now(UTC) - told) < timedelta(seconds=5)


def test_a_fixed_clock_stands_still_and_speaks_utc() -> None:
    noon = datetime(2026, 1, 9, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
    clock: Clock = FixedClock(noon)
    assert clock.now() == clock.now() == datetime(2026, 1, 9, 12, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
