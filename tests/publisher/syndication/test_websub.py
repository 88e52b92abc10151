"""WebSub pings over real sockets to a hub in this process, with a real database."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from publisher.database.retry_queue import queue_item as table
from publisher.syndication import websub, websub_client
from publisher.syndication.websub import MAX_PING_ATTEMPTS, PING_POLICY, printable_address
from publisher.syndication.websub_client import (
    _MAX_RETRY_AFTER,
    HubReport,
    HubResult,
    notify_hubs,
    ping_hub,
)
from tests.publisher.conftest import NOW, PublicationFolder
from tools.servers.websub_hub import Hub, Reply, running, text

RSS = "https://news.example.org/feeds/en.rss.xml"
ATOM = "https://news.example.org/feeds/en.atom.xml"
MINUTE = timedelta(minutes=1)
# Seconds; the timeout for hubs that never respond.
SOON = 0.2


@pytest.fixture
def make_hub() -> Iterator[Callable[[], Hub]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running())


@pytest.fixture
def hub(make_hub: Callable[[], Hub]) -> Hub:
    return make_hub()


@contextmanager
def listener() -> Iterator[tuple[str, socket.socket]]:
    """A port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", server


def closed_port() -> str:
    with listener() as (address, _):
        return address


def feeds(count: int) -> list[str]:
    return [f"https://news.example.org/feeds/{number:03}.json" for number in range(count)]


def change(publication: PublicationFolder, hub: str, *topics: str, at: datetime = NOW) -> None:
    with publication.database.writing() as connection:
        websub.enqueue_pings(connection, [hub], topics, at)


def notify(
    publication: PublicationFolder, *hubs: str, at: datetime = NOW, **options: Any
) -> HubReport:
    return notify_hubs(publication.database, hubs, at, **options)


def row(publication: PublicationFolder, topic: str = RSS) -> dict[str, Any]:
    (found,) = [one for one in publication.rows(table) if one["payload"]["topic"] == topic]
    return found


def send(hub: Hub | str, now: datetime = NOW, timeout: float = 2) -> Any:
    address = hub if isinstance(hub, str) else hub.url
    return ping_hub(address, RSS, timeout, now)


# --- one ping per changed feed ------------------------------------------------------------------


def test_a_changed_feed_is_pinged_once(publication: PublicationFolder, hub: Hub) -> None:
    change(publication, hub.url, RSS, ATOM)
    assert notify(publication, hub.url) == HubReport(accepted=2)
    assert notify(publication, hub.url, at=NOW + MINUTE) == HubReport()
    assert sorted(hub.topics) == [ATOM, RSS]
    accepted = row(publication)
    assert (accepted["state"], accepted["attempts"], accepted["changed_at"]) == (
        "accepted",
        1,
        NOW,
    )
    assert accepted["reason"] == "204 No Content"


def test_a_run_without_pings_takes_no_write_lock(
    publication: PublicationFolder, hub: Hub
) -> None:
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        begun.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        notify(publication, hub.url)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert begun
    locks = ("BEGIN IMMEDIATE", "SELECT pg_advisory_xact_lock")
    assert not [statement for statement in begun if statement.startswith(locks)]


def test_the_file_is_in_place_when_the_hub_is_notified(
    publication: PublicationFolder, hub: Hub, tmp_path: Path
) -> None:
    file = tmp_path / "en.rss.xml"
    hub.read = lambda _topic: file.read_bytes() if file.exists() else None
    with publication.database.writing() as connection:
        file.write_bytes(b"<rss/>")
        websub.enqueue_pings(connection, [hub.url], [RSS], NOW)
        # Nothing is sent before the transaction ends.
        assert hub.pings == []
    assert notify(publication, hub.url).accepted == 1
    assert hub.pings[0].content == b"<rss/>"


def test_the_form_has_the_topic_under_both_names(
    publication: PublicationFolder, hub: Hub
) -> None:
    topic = "https://news.example.org/feeds/en/topics/a&b=c ü.json"
    change(publication, hub.url, topic)
    assert notify(publication, hub.url).accepted == 1
    (got,) = hub.pings
    assert got.topic == topic
    assert got.headers["User-Agent"].startswith("newsletter-publisher/")
    assert "Cookie" not in got.headers
    assert "Authorization" not in got.headers


def test_each_hub_is_told(publication: PublicationFolder, make_hub: Callable[[], Hub]) -> None:
    first, second = make_hub(), make_hub()
    with publication.database.writing() as connection:
        websub.enqueue_pings(connection, [first.url, second.url, first.url], [RSS, RSS], NOW)
    assert notify(publication, first.url, second.url, first.url).accepted == 2
    assert (first.topics, second.topics) == ([RSS], [RSS])


def test_a_run_sends_a_limited_number_of_topics_per_hub(
    publication: PublicationFolder, make_hub: Callable[[], Hub]
) -> None:
    first, second = make_hub(), make_hub()
    for one in (first, second):
        change(publication, one.url, *feeds(5))
    assert notify(publication, first.url, second.url, limit=3) == HubReport(
        accepted=6, waiting=4
    )
    assert sorted(first.topics) == feeds(3)
    assert notify(publication, first.url, second.url, limit=3) == HubReport(accepted=4)


def test_at_most_eight_pings_are_sent_at_the_same_time(
    publication: PublicationFolder, hub: Hub
) -> None:
    full = threading.Event()

    def answer_when_full(_topic: str) -> Reply:
        if hub.at_once == 8:
            full.set()
        # Respond to the first two: a hub that has not responded gets no more.
        if len(hub.pings) > 2:
            full.wait(2)
        return Reply()

    hub.answer = answer_when_full
    change(publication, hub.url, *feeds(40))
    assert notify(publication, hub.url).accepted == 40
    assert hub.most_at_once == 8
    assert sorted(hub.topics) == feeds(40)


def test_pings_to_hubs_that_left_the_settings_are_deleted(
    publication: PublicationFolder, hub: Hub
) -> None:
    change(publication, hub.url, RSS)
    change(publication, "https://old.example.net/", RSS, ATOM)
    assert notify(publication, hub.url) == HubReport(accepted=1)
    assert [one["target"] for one in publication.rows(table)] == [hub.url]
    assert notify(publication) == HubReport()
    assert publication.rows(table) == []


# --- new changes --------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, 600])
def test_a_change_while_the_ping_is_sent_is_not_lost(
    publication: PublicationFolder, hub: Hub, seconds: int
) -> None:
    def change_meanwhile(_topic: str) -> Reply:
        hub.say(Reply())
        change(publication, hub.url, RSS, at=NOW + timedelta(seconds=seconds))
        return Reply()

    hub.answer = change_meanwhile
    change(publication, hub.url, RSS)
    assert notify(publication, hub.url) == HubReport(waiting=1)
    assert notify(publication, hub.url, at=NOW + timedelta(seconds=seconds)) == HubReport(
        accepted=1
    )
    assert hub.topics == [RSS, RSS]


# --- retries -------------------------------------------------------------------------------------


def test_a_ping_is_tried_13_times_in_a_day_with_doubling_delays() -> None:
    minutes = [delay / MINUTE for delay in PING_POLICY.delays]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]
    assert timedelta(hours=19) < sum(PING_POLICY.delays, timedelta()) < timedelta(hours=27)


def test_a_ping_that_is_given_up_is_reported_and_stays_on_record(
    publication: PublicationFolder, hub: Hub
) -> None:
    hub.say(Reply(500))
    change(publication, hub.url, RSS)
    with publication.database.writing() as connection:
        connection.execute(table.update().values(attempts=MAX_PING_ATTEMPTS - 1))
    last = notify(publication, hub.url)
    assert (last.failed, last.waiting) == (1, 0)
    words = "given up after 13 attempts; the last: 500 Internal Server Error"
    assert last.problems == [f"{hub.url}: could not be notified of {RSS}: {words}"]
    assert notify(publication, hub.url, at=NOW + timedelta(days=1)) == HubReport()
    with publication.database.reading() as connection:
        assert websub.failed_pings(connection) == [(hub.url, RSS, words)]
        assert websub.count_waiting_pings(connection) == 0


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", 2 * MINUTE),
        (" 120 ", 2 * MINUTE),
        (format_datetime(NOW + 5 * MINUTE, usegmt=True), 5 * MINUTE),
        ("Fri, 09 Jan 2026 12:05:00 -0000", 5 * MINUTE),
        (format_datetime(NOW - MINUTE, usegmt=True), timedelta(0)),
        ("9" * 400, _MAX_RETRY_AFTER),
        ("-5", timedelta(0)),
        ("٣", timedelta(0)),
        ("soon", timedelta(0)),
        ("Fri, 09 Jan 99999 12:05:00 GMT", timedelta(0)),
        ("", timedelta(0)),
    ],
)
def test_retry_after_is_seconds_or_a_date(hub: Hub, value: str, wait: timedelta) -> None:
    encoded = value.encode().decode("latin-1")
    hub.say(Reply(503, {"Retry-After": encoded}))
    assert send(hub).retry_after == wait


@pytest.mark.parametrize(
    ("headers", "put_off", "soonest"),
    [({"Retry-After": "600"}, 10 * MINUTE, 10 * MINUTE), ({}, MINUTE, 0.75 * MINUTE)],
    ids=["asked", "unasked"],
)
def test_after_429_the_other_topics_wait_without_an_attempt(
    publication: PublicationFolder,
    hub: Hub,
    headers: dict[str, str],
    put_off: timedelta,
    soonest: timedelta,
) -> None:
    hub.say(Reply(429, headers))
    change(publication, hub.url, *feeds(20))
    assert notify(publication, hub.url) == HubReport(waiting=20)
    assert len(hub.pings) <= 2
    rows = publication.rows(table)
    # Only the pings that were sent count as attempts.
    assert sum(one["attempts"] for one in rows) == len(hub.pings)
    assert min(one["next_at"] for one in rows) >= NOW + soonest
    untried = {(one["next_at"], one["reason"]) for one in rows if one["attempts"] == 0}
    assert untried == {(NOW + put_off, "put off: 429 Too Many Requests")}


# --- responses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "statuses"),
    [
        (HubResult.ACCEPTED, [200, 202, 204, 299]),
        (HubResult.REJECTED, [400, 401, 403, 404, 405, 410, 422]),
        (HubResult.BUSY, [408, 425, 429, 500, 502, 503, 504, 599]),
    ],
)
def test_a_status_accepts_rejects_or_asks_to_come_back(
    hub: Hub, result: HubResult, statuses: list[int]
) -> None:
    for status in statuses:
        hub.say(Reply(status))
        assert send(hub).result is result


@pytest.mark.parametrize(
    ("status", "state"), [(204, "accepted"), (400, "failed"), (503, "deferred")]
)
def test_what_a_hub_rejects_is_not_retried(
    publication: PublicationFolder, hub: Hub, status: int, state: str
) -> None:
    hub.say(text(status, "hub.url is not one of ours\nand more"))
    change(publication, hub.url, RSS)
    report = notify(publication, hub.url)
    assert row(publication)["state"] == state
    assert [one.endswith(": hub.url is not one of ours") for one in report.problems] == [
        True
    ] * (state == "failed")


def test_one_problem_line_covers_all_topics_of_a_hub(
    publication: PublicationFolder, hub: Hub
) -> None:
    hub.say(Reply(403))
    change(publication, hub.url, *feeds(9))
    report = notify(publication, hub.url)
    assert report.failed == 9
    (problem,) = report.problems
    assert problem.endswith(".json and 8 more: 403 Forbidden")


def test_a_hub_that_the_program_fails_at_is_tried_again_and_delays_no_other(
    publication: PublicationFolder, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(address: str, *others: Any) -> Any:
        if address == hub.url:
            return ping_hub(address, *others)
        raise ZeroDivisionError

    monkeypatch.setattr(websub_client, "ping_hub", fails)
    for address in (hub.url, "https://bad.example.net/"):
        change(publication, address, RSS)
    assert notify(publication, hub.url, "https://bad.example.net/") == HubReport(
        accepted=1, waiting=1
    )
    answers = {one["target"]: one["reason"] for one in publication.rows(table)}
    assert "ZeroDivisionError" in answers["https://bad.example.net/"]


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_is_followed_with_the_same_form(hub: Hub, status: int) -> None:
    answers = iter([Reply(status, {"Location": "/here"}), text(403, "unknown topic")])
    hub.answer = lambda _topic: next(answers)
    assert send(hub).text == "403 Forbidden: unknown topic"
    assert [(one.path, one.topic) for one in hub.pings] == [("/", RSS), ("/here", RSS)]


@pytest.mark.parametrize(
    ("status", "target", "paths"),
    [
        *((307, f"https://{host}/", ["/"]) for host in ("localhost", "hub.example.net")),
        *((307, target, ["/"]) for target in ("file:///etc/hostname", "data:,", "")),
        (302, "/again", ["/"]),
        # Once.
        (307, "/again", ["/", "/again"]),
    ],
)
def test_no_other_redirect_is_followed(
    hub: Hub, status: int, target: str, paths: list[str]
) -> None:
    hub.say(Reply(status, {"Location": target}))
    assert send(hub).result is HubResult.REJECTED
    assert [one.path for one in hub.pings] == paths


def test_a_redirect_to_another_port_is_not_followed_and_shown_without_its_secret(
    make_hub: Callable[[], Hub],
) -> None:
    old, inner = make_hub(), make_hub()
    old.say(Reply(307, {"Location": f"{inner.url}here?key=abc"}))
    response = send(old)
    assert response.result is HubResult.REJECTED
    assert response.text.endswith(f"the hub is now at {inner.url}here?…")
    assert inner.pings == []


def test_of_an_error_the_start_is_kept_without_control_characters(hub: Hub) -> None:
    hub.say(text(400, "x" * 1_000_000))
    response = send(hub)
    assert response.result is HubResult.REJECTED
    assert response.text == "400 Bad Request: " + "x" * 200
    hub.say(text(400, "\x1b[2Jgone \u202etxt"))
    assert send(hub).text == "400 Bad Request: \ufffd[2Jgone \ufffdtxt"
    hub.say(Reply(400, {"Content-Type": "text/plain"}, b"", cut_short=True))
    assert send(hub).result is HubResult.REJECTED


# --- unreachable hubs -------------------------------------------------------------------------


def test_a_refused_or_closed_connection_is_retried(
    publication: PublicationFolder, hub: Hub
) -> None:
    hub.say(Reply(0))
    refusing = closed_port()
    for address in (refusing, hub.url):
        change(publication, address, RSS)
    assert notify(publication, refusing, hub.url) == HubReport(waiting=2)
    reasons = {one["target"]: one["reason"] for one in publication.rows(table)}
    assert reasons[refusing] == "the connection was refused"
    assert reasons[hub.url] == "the connection was closed without an answer"


def test_a_net_that_can_t_be_reached_and_a_name_that_can_t_be_resolved_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_arguments: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert send("http://255.255.255.255/").text.startswith("it can't be reached: ")
    # A real resolver would use the network.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert send("http://hub.example.net/").text == "the name can't be resolved: hub.example.net"


def test_a_silent_hub_times_out(publication: PublicationFolder) -> None:
    with listener() as (address, _):
        change(publication, address, RSS)
        before = time.monotonic()
        assert notify(publication, address, timeout=SOON) == HubReport(waiting=1)
        assert time.monotonic() - before >= SOON
    assert row(publication)["reason"] == "no answer within 0.2 seconds"
    assert row(publication)["attempts"] == 1


def test_an_unreachable_hub_is_tried_twice_per_run_for_all_its_topics(
    publication: PublicationFolder,
) -> None:
    with listener() as (address, server):
        change(publication, address, *feeds(50))
        assert notify(publication, address, timeout=SOON) == HubReport(waiting=50)
        assert connections(server) == 2
    rows = publication.rows(table)
    # All were postponed.
    assert {one["attempts"] for one in rows} == {1}
    assert all(one["next_at"] >= NOW + timedelta(seconds=45) for one in rows)


def connections(server: socket.socket) -> int:
    server.setblocking(False)
    count = 0
    while True:
        try:
            line, _ = server.accept()
        except BlockingIOError:
            return count
        line.close()
        count += 1


def test_an_unreachable_hub_does_not_delay_another(
    publication: PublicationFolder, hub: Hub
) -> None:
    with listener() as (address, _):
        for one in (address, hub.url):
            change(publication, one, *feeds(30))
        assert notify(publication, address, hub.url, timeout=1) == HubReport(
            accepted=30, waiting=30
        )
    assert sorted(hub.topics) == feeds(30)


def test_a_hub_that_failed_once_gets_the_rest(publication: PublicationFolder, hub: Hub) -> None:
    hub.answer = lambda topic: Reply(0 if topic == feeds(1)[0] else 204)
    change(publication, hub.url, *feeds(10))
    assert notify(publication, hub.url) == HubReport(accepted=9, waiting=1)


def test_a_run_ends_within_its_total_time(publication: PublicationFolder, hub: Hub) -> None:
    hub.say(Reply(delay=0.1))
    change(publication, hub.url, *feeds(100))
    report = notify(publication, hub.url, timeout=0.6, total=1)
    assert 0 < report.accepted < 100
    assert report.accepted + report.waiting == 100
    # Pings that were not sent are still due.
    untried = [one for one in publication.rows(table) if one["state"] == "pending"]
    assert {(one["attempts"], one["next_at"], one["reason"]) for one in untried} == {
        (0, NOW, None)
    }


def test_a_ping_that_timed_out_counts_once(publication: PublicationFolder, hub: Hub) -> None:
    slow = feeds(1)[0]
    hub.answer = lambda topic: Reply(dribble=0.01) if topic == slow else Reply(delay=0.3)
    change(publication, hub.url, *feeds(30))
    # Its thread reports a failure too. Counted twice, the hub would be response up.
    assert notify(publication, hub.url, timeout=1) == HubReport(accepted=29, waiting=1)
    assert row(publication, slow)["attempts"] == 1
    assert row(publication, slow)["reason"] == "no answer within 1 seconds"


# --- secrets and proxies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("https://hub.example.net/", "https://hub.example.net/"),
        ("https://hub.example.net:8443/push", "https://hub.example.net:8443/push"),
        ("https://hub.example.net/?key=abc", "https://hub.example.net/?…"),
        ("https://someone:abc@hub.example.net/x?key=abc", "https://hub.example.net/x?…"),
        ("https://hub.example.net/#abc", "https://hub.example.net/"),
    ],
)
def test_printable_addresses_have_no_secrets(address: str, seen: str) -> None:
    assert printable_address(address) == seen


def test_secrets_of_a_hub_are_not_logged_or_listed(
    publication: PublicationFolder, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{hub.url}?key=letmein"
    # A hub may repeat its own address.
    hub.answer = lambda topic: text(503 if topic == ATOM else 400, "letmein is not a key")
    change(publication, address, RSS, ATOM)
    report = notify(publication, address)
    with publication.database.reading() as connection:
        given_up = websub.failed_pings(connection)
    printed = capsys.readouterr()
    assert given_up == [(f"{hub.url}?…", RSS, "400 Bad Request")]
    assert hub.url in printed.out + printed.err
    assert "letmein" not in f"{report} {given_up} {printed.out} {printed.err}"


def test_a_hub_s_name_may_not_lead_into_this_network_and_its_address_may(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: inside)
    response = send("http://hub.example.net/")
    assert response.result is HubResult.UNREACHABLE
    assert response.text.endswith("not on the public net: hub.example.net leads to 127.0.0.1")
    monkeypatch.undo()
    assert send(hub).result is HubResult.ACCEPTED
