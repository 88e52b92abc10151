"""Several processes on one database: together they keep to the limits of one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.config.delivery import DeliverySettings, RateSettings
from publisher.database import open_database
from tests.databases import copy_test_database, on_postgresql
from tests.publisher.delivery.rates.conftest import NOW, Post
from tests.sizes import by_lane

# Seconds by which the time of day moves against the uptime within a test.
CLOCKS_AGREE = 0.05
DOMAINS = ("gmail.com", "googlemail.com", "b.example")

rates = st.fixed_dictionaries(
    {},
    optional={
        "per_second": st.one_of(st.floats(0.2, 60), st.integers(1, 60)),
        "per_hour": st.integers(1, 100_000),
    },
)
asking = st.tuples(
    st.integers(0, 2),  # which process
    st.one_of(st.just(0.0), st.floats(0, 2), st.floats(0, 400)),  # how much later
    st.builds(
        lambda some, times: some * times,
        st.lists(st.sampled_from(DOMAINS), max_size=12),
        st.integers(1, 30),
    ),
)


def bursts(rate: RateSettings) -> Iterator[tuple[float, float]]:
    """Return messages a second and the burst, as the handbook defines them."""
    if rate.per_second:
        yield rate.per_second, max(1.0, rate.per_second)
    if rate.per_hour:
        yield rate.per_hour / 3600, max(1.0, rate.per_hour / 60)


def keeps_to(rate: RateSettings, gone: list[tuple[float, int]]) -> None:
    """In any window of w seconds, no more than rate * w + burst."""
    sums = [0, *accumulate(count for _, count in gone)]
    for per_second, burst in bursts(rate):
        for first, (begun, _) in enumerate(gone):
            for last in range(first, len(gone)):
                window = gone[last][0] - begun
                # As exactly as a float can hold instants of this century.
                most = per_second * (window + 1e-5) + burst
                assert sums[last + 1] - sums[first] <= most


@settings(
    max_examples=by_lane(25, 60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # each example copies the file anew
@given(rates, rates, st.lists(asking, min_size=1, max_size=25))
def test_in_any_window_no_more_go_than_rate_times_window_and_a_burst(
    empty_database: Path,
    all_together: dict[str, Any],
    to_google: dict[str, Any],
    askings: list[tuple[int, float, list[str]]],
) -> None:
    raw = {"rate": all_together, "domain": [{"names": DOMAINS[:2]} | to_google]}
    bounds, now = DeliverySettings.model_validate(raw), NOW
    gone: list[tuple[float, int]] = []
    gone_to_google: list[tuple[float, int]] = []
    with TemporaryDirectory() as folder, ExitStack() as stack:
        address = copy_test_database(empty_database, Path(folder) / "publisher.db")
        posts = [
            Post(stack.enter_context(closing(open_database(address, "normal"))), raw)
            for _ in range(3)
        ]
        for process, later, domains in askings:
            now += later
            grant = posts[process].ask(domains, now)
            chosen = [domains[number] for number in grant.allowed]
            gone.append((now, len(chosen)))
            gone_to_google.append((now, sum(one in DOMAINS[:2] for one in chosen)))
            kept = {*grant.postponed, *grant.held}
            assert sorted([*grant.allowed, *kept]) == list(range(len(domains)))
            assert all(wait > 0 for wait in grant.postponed.values())
    keeps_to(bounds.rate, gone)
    keeps_to(bounds.domain[0], gone_to_google)


@settings(
    max_examples=by_lane(15, 30), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(1, 50), st.lists(st.floats(-7200, 7200), min_size=1, max_size=12))
def test_however_the_clock_is_set_each_step_gives_a_burst_at_most_and_none_stops_it(
    empty_database: Path, per_second: int, steps: list[float]
) -> None:
    with TemporaryDirectory() as folder:
        address = copy_test_database(empty_database, Path(folder) / "publisher.db")
        with closing(open_database(address, "normal")) as database:
            post, now = Post(database, {"rate": {"per_second": per_second}}), NOW
            post.allowed(1000, now)
            for step in steps:
                now += step
                assert post.allowed(1000, now) <= per_second
                # A small step back is waited for; then it goes on at its pace.
                assert post.allowed(1000, now + 4) == per_second
                now += 4


PROCESS = """
import json, pathlib, sys, time
from publisher.config.delivery import DeliverySettings
from publisher.database import open_database
from publisher.delivery.rates.limiter import RateLimiter

# This machine's clock is wrong. On a server only the server's counts.
real, skew = time.time, float(sys.argv[2])
time.time = lambda: real() + skew
rates = RateLimiter(DeliverySettings.model_validate({"rate": {"per_second": 200}}), "smtp")
address = sys.argv[1] if "://" in sys.argv[1] else pathlib.Path(sys.argv[1])
database = open_database(address, "normal")
print("ready", flush=True)
sys.stdin.readline()
gone = []
for _ in range(150):
    before = real()
    with database.writing() as connection:
        now = database.timer.time()
        count = len(rates.grant(connection, ["a.example"] * 20, now).allowed)
        gone.append((before, now, real(), count))
print(json.dumps(gone))
"""


def start(address: Path | str, skew: float) -> subprocess.Popen[str]:
    """Start a process that sends as soon as it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS, str(address), str(skew)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_real_processes_keep_to_it_together_however_wrong_their_clocks_are(
    tmp_path: Path, empty_database: Path
) -> None:
    address = copy_test_database(empty_database, tmp_path / "publisher.db")
    # A file is on one machine, with one clock.
    skews = (-20, 0, 7, 20) if on_postgresql() else (0, 0, 0, 0)
    with ExitStack() as stack:
        runs = [stack.enter_context(start(address, skew)) for skew in skews]
        for process in runs:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=60)[0] for process in runs]
    turns = [turn for one in said for turn in json.loads(one)]
    for before, now, after, _count in turns:
        assert before - CLOCKS_AGREE <= now <= after + CLOCKS_AGREE
    gone = sorted((now, count) for _before, now, _after, count in turns)
    assert len(gone) == 4 * 150
    assert sum(count for _, count in gone) >= 200
    keeps_to(RateSettings(per_second=200), gone)
