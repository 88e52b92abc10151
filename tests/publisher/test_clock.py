import re
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

from publisher import clock as clocks
from publisher.testing import FakeTimer
from tests.project.modules import product_modules

NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)


def wait_a_little() -> None:
    threading.Event().wait(0.002)


def test_the_systems_clock_tells_the_present_in_whole_seconds_of_utc() -> None:
    clock: clocks.Clock = clocks.SystemClock()
    told = clock.now()
    assert told.tzinfo is UTC
    assert told.microsecond == 0
    assert abs(datetime.now(UTC) - told) < timedelta(seconds=5)


def test_a_fixed_clock_stands_still_and_speaks_utc() -> None:
    noon = datetime(2026, 1, 9, 20, 0, 0, 999, tzinfo=timezone(timedelta(hours=8)))
    clock: clocks.Clock = clocks.FixedClock(noon)
    assert clock.now() == clock.now() == datetime(2026, 1, 9, 12, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_a_timer_tells_fractions_of_the_seconds_since_1970() -> None:
    timer: clocks.Timer = clocks.SystemTimer()
    first = timer.time()
    wait_a_little()
    assert first < timer.time()
    assert abs(time.time() - first) < 60


def test_what_several_machines_compare_has_the_time_of_the_clock_that_they_share() -> None:
    shared = clocks.shared_clock(clocks.SystemClock(), FakeTimer(NOON.timestamp() + 0.5))
    assert (shared.now(), shared.now().tzinfo) == (NOON, UTC)
    given = clocks.FixedClock(NOON - timedelta(days=1))
    assert clocks.shared_clock(given, FakeTimer()) is given


def test_a_running_clock_goes_on_from_its_instant_and_never_goes_back() -> None:
    there = timezone(timedelta(hours=8))
    clock: clocks.Clock = clocks.RunningClock(NOON.astimezone(there), clocks.uptime() - 90.5)
    told = clock.now()
    assert NOON + timedelta(seconds=90) <= told < NOON + timedelta(seconds=150)
    assert told.microsecond == 0
    assert told.tzinfo is UTC
    clock = clocks.RunningClock(NOON, clocks.uptime())
    all_told = [clock.now() for _ in range(1000)]
    assert all_told == sorted(all_told)
    assert all_told[0] >= NOON


def test_only_a_clock_that_stands_still_is_made_to_go_on() -> None:
    clock = clocks.running_from(clocks.FixedClock(NOON))
    assert isinstance(clock, clocks.RunningClock)
    assert NOON <= clock.now() < NOON + timedelta(seconds=60)
    clock = clocks.SystemClock()
    assert clocks.running_from(clock) is clock
    running = clocks.RunningClock(NOON, clocks.uptime())
    assert clocks.running_from(running) is running


def test_uptime_only_grows() -> None:
    told = []
    for _ in range(5):
        told.append(clocks.uptime())
        wait_a_little()
    assert told == sorted(set(told))


def test_no_other_module_reads_the_time_of_day() -> None:
    reading = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time)\(")
    found = [str(one.path) for one in product_modules() if reading.search(one.text)]
    assert found == ["publisher/clock.py"]
