"""Requests to hosts: how many at a time, how far apart, and what a slow or a captured one means for the others."""

import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from publisher.polling.poller import Poller
from publisher.polling.tables import polled_entry
from tests.publisher.conftest import Make
from tests.publisher.polling.news_server import NewsServer, Page
from tests.publisher.polling.polled_publication import DAY, Polled, titles
from tests.publisher.polling.test_poller import feed

HTML = "<!doctype html><title>Sign in</title><form></form>"


def sources(server: NewsServer, *hosts: str) -> list[dict[str, Any]]:
    return [
        {"kind": "feed", "name": f"feed-{n}", "url": server.url(f"/{n}", host)}
        for n, host in enumerate(hosts)
    ]


@pytest.fixture
def answering(server: NewsServer) -> Iterator[NewsServer]:
    before = server.answer
    yield server
    server.answer = before


def test_a_slow_host_keeps_no_other_source_waiting(
    answering: NewsServer, new_publication: Make
) -> None:
    """What the others have is stored before the slow one has answered."""
    polled = Polled(
        new_publication(sources=sources(answering, "slow.example", *"abc")), answering.client
    )
    for n in (1, 2, 3):
        answering.put(f"/{n}", feed(n))
    stored: list[set[str]] = []

    def answer(_path: str) -> Page:
        names, ends = set[str](), time.monotonic() + 8
        while len(names) < 3 and time.monotonic() < ends:
            names = {row["source"] for row in polled.folder.rows(polled_entry)}
            time.sleep(0.02)
        stored.append(names)
        return Page(feed(4).encode())

    answering.answer = answer
    assert polled.poll().new == 4
    assert stored == [{"feed-1", "feed-2", "feed-3"}]


def test_a_host_gets_one_request_at_a_time_and_the_next_after_a_second(
    answering: NewsServer, new_publication: Make
) -> None:
    assert Poller.seconds_between == 1.0
    hosts = ("a.example", "www.a.example", "a.example")
    polled = Polled(new_publication(sources=sources(answering, *hosts)), answering.client)
    spans: list[tuple[float, float]] = []

    def answer(_path: str) -> Page:
        begun = time.monotonic()
        time.sleep(0.05)
        spans.append((begun, time.monotonic()))
        return Page(feed(len(spans)).encode())

    answering.answer = answer
    # Shorter than usual.
    polled.seconds_between = 0.1
    polled.poll()
    assert len(spans) == 3
    assert all(after[0] - before[1] >= 0.1 for before, after in pairwise(spans))


def test_a_network_that_leads_all_hosts_to_its_own_page_changes_no_source(
    server: NewsServer, new_publication: Make
) -> None:
    polled = Polled(
        new_publication(sources=sources(server, "a.example", "b.example")), server.client
    )
    names = ("feed-0", "feed-1")
    for n in (0, 1):
        server.put(f"/{n}", feed(n + 1))
    polled.cycle()
    addresses = [polled.source(name).state.url for name in names]
    server.put("/login", HTML)
    for n in (0, 1):
        to_login = {"Location": server.url("/login", "login.example")}
        server.put(f"/{n}", b"", status=301, headers=to_login)
    for _day in range(15):
        polled.cycle(after=DAY)
    assert "HTML page, not a feed" in polled.source("feed-0").reason
    assert [polled.source(name).state.url for name in names] == addresses
    assert len(titles(polled)) == 2
    for n in (0, 1):
        server.put(f"/{n}", feed(n + 1, n + 10))
    for name in names:
        polled.poll(name)
    assert [polled.source(name).state.errors for name in names] == [0, 0]
    assert len(polled.folder.rows(polled_entry)) == 4
