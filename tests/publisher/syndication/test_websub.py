"""Pings over real sockets to a hub in this process, recorded in a real database."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from publisher.syndication import websub, websub_queue
from publisher.syndication.tables import websub_ping as table
from publisher.syndication.websub import MAX_PING_ATTEMPTS, HubReport
from publisher.syndication.websub_client import (
    _MAX_RETRY_AFTER,
    HubResult,
    PublishRequest,
    printable_address,
)
from tests.publisher.conftest import NOW, House
from tests.publisher.syndication.hub import Hub, Reply, running, text, wait_for

RSS = "https://news.example.org/feeds/en.rss.xml"
ATOM = "https://news.example.org/feeds/en.atom.xml"
MINUTE = timedelta(minutes=1)
# For hubs that are to be waited for in vain.
SOON = 0.2


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def make_hub() -> Iterator[Callable[[], Hub]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(running())


@pytest.fixture
def hub(make_hub: Callable[[], Hub]) -> Hub:
    return make_hub()


@contextmanager
def listener() -> Iterator[tuple[str, socket.socket]]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", server


def closed_port() -> str:
    with listener() as (address, _):
        return address


def feeds(count: int) -> list[str]:
    return [f"https://news.example.org/feeds/{number:03}.json" for number in range(count)]


def change(house: House, hub: str, *topics: str, at: datetime = NOW) -> None:
    with house.database.writing() as connection:
        websub_queue.enqueue_pings(connection, [hub], topics, at)


def turn(house: House, *hubs: str, at: datetime = NOW, **options: Any) -> HubReport:
    return websub.notify_hubs(house.database, hubs, at, **options)


def row(house: House, topic: str = RSS) -> dict[str, Any]:
    (found,) = [one for one in house.rows(table) if one["topic"] == topic]
    return found


def answer(hub: Hub | str, now: datetime = NOW, timeout: float = 2) -> Any:
    address = hub if isinstance(hub, str) else hub.url
    return PublishRequest().tell(address, RSS, timeout, now)


# --- one ping per changed feed ------------------------------------------------------------------


def test_a_changed_feed_is_one_ping_and_no_more(house: House, hub: Hub) -> None:
    change(house, hub.url, RSS, ATOM)
    assert turn(house, hub.url) == HubReport(told=2)
    assert turn(house, hub.url, at=NOW + MINUTE) == HubReport()
    assert sorted(hub.topics) == [ATOM, RSS]
    told = row(house)
    assert (told["state"], told["attempts"], told["told_at"]) == ("told", 1, NOW)
    assert told["answer"] == "204 No Content"


def test_a_feed_that_did_not_change_is_no_ping(house: House, hub: Hub) -> None:
    change(house, hub.url)
    assert turn(house, hub.url) == HubReport()
    assert hub.pings == []
    assert house.rows(table) == []


def test_a_quiet_turn_takes_no_write_lock(house: House, hub: Hub) -> None:
    begun: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        begun.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        turn(house, hub.url)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert "BEGIN DEFERRED" in begun
    assert "BEGIN IMMEDIATE" not in begun


def test_what_is_pending_is_found_by_its_index(house: House) -> None:
    seen: list[str] = []
    with house.database.reading() as connection:

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(connection, "before_cursor_execute", note)
        websub_queue.count_waiting_pings(connection)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0]}").all()
    assert "ix_feed_ping_due" in str(plan)


def test_the_file_is_in_place_when_the_hub_is_told(
    house: House, hub: Hub, tmp_path: Path
) -> None:
    file = tmp_path / "en.rss.xml"
    hub.read = lambda _topic: file.read_bytes() if file.exists() else None
    with house.database.writing() as connection:
        file.write_bytes(b"<rss/>")
        websub_queue.enqueue_pings(connection, [hub.url], [RSS], NOW)
        # Nothing leaves before the transaction that records the files is over.
        assert hub.pings == []
    assert turn(house, hub.url).told == 1
    assert hub.pings[0].content == b"<rss/>"


def test_the_ping_is_a_form_with_both_names_of_the_topic(house: House, hub: Hub) -> None:
    topic = "https://news.example.org/feeds/en/topics/a&b=c ü.json"
    change(house, hub.url, topic)
    assert turn(house, hub.url).told == 1
    (got,) = hub.pings
    assert got.topic == topic
    assert got.headers["User-Agent"].startswith("newsletter-publisher/")
    assert "Cookie" not in got.headers
    assert "Authorization" not in got.headers


def test_each_hub_is_told(house: House, make_hub: Callable[[], Hub]) -> None:
    first, second = make_hub(), make_hub()
    with house.database.writing() as connection:
        websub_queue.enqueue_pings(
            connection, [first.url, second.url, first.url], [RSS, RSS], NOW
        )
    assert turn(house, first.url, second.url, first.url).told == 2
    assert (first.topics, second.topics) == ([RSS], [RSS])


def test_a_hub_is_asked_at_its_whole_address(house: House, hub: Hub) -> None:
    address = f"{hub.url}push?key=abc"
    change(house, address, RSS)
    assert turn(house, address).told == 1
    assert hub.pings[0].path == "/push?key=abc"


def test_what_is_not_due_waits(house: House, hub: Hub) -> None:
    change(house, hub.url, RSS, at=NOW + MINUTE)
    assert turn(house, hub.url) == HubReport(waiting=1)
    assert hub.pings == []


def test_a_turn_takes_so_many_topics_of_each_hub(
    house: House, make_hub: Callable[[], Hub]
) -> None:
    first, second = make_hub(), make_hub()
    for one in (first, second):
        change(house, one.url, *feeds(5))
    assert turn(house, first.url, second.url, limit=3) == HubReport(told=6, waiting=4)
    assert sorted(first.topics) == feeds(3)
    assert turn(house, first.url, second.url, limit=3) == HubReport(told=4)


def test_at_most_eight_pings_are_under_way_at_once(house: House, hub: Hub) -> None:
    full = threading.Event()

    def answer_when_full(_topic: str) -> Reply:
        if hub.at_once == 8:
            full.set()
        # The first two are answered at once: a hub that has said nothing yet gets no more.
        if len(hub.pings) > 2:
            full.wait(2)
        return Reply()

    hub.answer = answer_when_full
    change(house, hub.url, *feeds(40))
    assert turn(house, hub.url).told == 40
    assert hub.most_at_once == 8
    assert sorted(hub.topics) == feeds(40)


def test_hubs_that_the_settings_no_longer_name_are_dropped(house: House, hub: Hub) -> None:
    change(house, hub.url, RSS)
    change(house, "https://old.example.net/", RSS, ATOM)
    assert turn(house, hub.url) == HubReport(told=1)
    assert [one["hub"] for one in house.rows(table)] == [hub.url]
    assert turn(house) == HubReport()
    assert house.rows(table) == []


# --- a newer change -----------------------------------------------------------------------------


def test_changes_of_a_feed_that_waits_are_one_ping(house: House, hub: Hub) -> None:
    for minutes in range(3):
        change(house, hub.url, RSS, at=NOW + minutes * MINUTE)
    assert turn(house, hub.url, at=NOW + 3 * MINUTE).told == 1
    assert hub.topics == [RSS]


def test_a_change_after_the_ping_is_a_ping_of_its_own(house: House, hub: Hub) -> None:
    for minutes in range(2):
        change(house, hub.url, RSS, at=NOW + minutes * MINUTE)
        assert turn(house, hub.url, at=NOW + minutes * MINUTE).told == 1
    assert hub.topics == [RSS, RSS]
    assert row(house)["attempts"] == 1


@pytest.mark.parametrize("status", [503, 400])
def test_a_newer_change_starts_afresh_after_failures(
    house: House, hub: Hub, status: int
) -> None:
    hub.say(Reply(status))
    change(house, hub.url, RSS)
    turn(house, hub.url)
    change(house, hub.url, RSS, at=NOW + timedelta(seconds=1))
    renewed = row(house)
    assert (renewed["state"], renewed["attempts"], renewed["answer"]) == ("pending", 0, None)
    assert renewed["due_at"] == NOW + timedelta(seconds=1)
    hub.say(Reply())
    assert turn(house, hub.url, at=NOW + timedelta(seconds=1)).told == 1


@pytest.mark.parametrize("seconds", [0, 1, 600])
def test_a_change_while_the_ping_is_under_way_is_not_lost(
    house: House, hub: Hub, seconds: int
) -> None:
    def change_meanwhile(_topic: str) -> Reply:
        hub.say(Reply())
        change(house, hub.url, RSS, at=NOW + timedelta(seconds=seconds))
        return Reply()

    hub.answer = change_meanwhile
    change(house, hub.url, RSS)
    assert turn(house, hub.url) == HubReport(waiting=1)
    assert turn(house, hub.url, at=NOW + timedelta(seconds=seconds)) == HubReport(told=1)
    assert hub.topics == [RSS, RSS]


def test_a_change_while_a_refusal_is_under_way_is_not_lost(house: House, hub: Hub) -> None:
    def change_meanwhile(_topic: str) -> Reply:
        change(house, hub.url, RSS)
        return Reply(400)

    hub.answer = change_meanwhile
    change(house, hub.url, RSS)
    assert turn(house, hub.url) == HubReport(waiting=1)


def test_a_kill_in_the_middle_costs_a_repeated_ping_at_most(house: House, hub: Hub) -> None:
    change(house, hub.url, RSS)
    before = row(house)
    assert answer(hub).verdict is HubResult.TOLD  # and the process dies before it records that
    assert row(house) == before
    assert turn(house, hub.url).told == 1
    assert hub.topics == [RSS, RSS]


# --- again, later -------------------------------------------------------------------------------


def test_a_failed_ping_is_repeated_at_the_instants_it_should(house: House, hub: Hub) -> None:
    hub.say(Reply(500))
    change(house, hub.url, RSS)
    at, waits = NOW, []
    for _ in range(MAX_PING_ATTEMPTS - 1):
        assert turn(house, hub.url, at=at) == HubReport(waiting=1)
        due = row(house)["due_at"]
        # Not a second sooner.
        tried = len(hub.pings)
        turn(house, hub.url, at=due - timedelta(seconds=1))
        assert len(hub.pings) == tried
        waits.append(due - at)
        at = due
    doubled = [
        min(MINUTE * 2**number, timedelta(hours=6)) for number in range(MAX_PING_ATTEMPTS - 1)
    ]
    pairs = list(zip(waits, doubled, strict=True))
    assert all(whole * 3 / 4 - timedelta(seconds=1) <= wait <= whole for wait, whole in pairs)
    assert timedelta(hours=19) < at - NOW < timedelta(hours=27)

    last = turn(house, hub.url, at=at)
    assert (last.failed, last.waiting) == (1, 0)
    words = "given up after 13 attempts; the last: 500 Internal Server Error"
    assert last.problems == [f"{hub.url}: could not be told of {RSS}: {words}"]
    assert turn(house, hub.url, at=at + timedelta(days=1)) == HubReport()
    assert len(hub.pings) == MAX_PING_ATTEMPTS
    with house.database.reading() as connection:
        assert websub_queue.failed_pings(connection) == [(hub.url, RSS, words)]
        assert websub_queue.count_waiting_pings(connection) == 0


def test_topics_spread_out_and_always_in_the_same_way(house: House, hub: Hub) -> None:
    def instants() -> list[datetime]:
        hub.say(Reply(500))
        change(house, hub.url, *feeds(40))
        turn(house, hub.url)
        return [one["due_at"] for one in house.rows(table)]

    first = instants()
    assert len(set(first)) > 8
    assert instants() == first


def test_a_hub_that_recovers_is_told(house: House, hub: Hub) -> None:
    hub.say(Reply(502))
    change(house, hub.url, RSS)
    turn(house, hub.url)
    hub.say(Reply(202))
    assert turn(house, hub.url, at=NOW + MINUTE) == HubReport(told=1)
    assert row(house)["attempts"] == 2


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(house: House, hub: Hub, status: int) -> None:
    hub.say(Reply(status, {"Retry-After": "7200"}))
    change(house, hub.url, RSS)
    turn(house, hub.url)
    assert row(house)["due_at"] == NOW + timedelta(hours=2)


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
    assert answer(hub).wait == wait


def test_a_shorter_retry_after_does_not_make_the_waits_shorter(house: House, hub: Hub) -> None:
    hub.say(Reply(503, {"Retry-After": "1"}))
    change(house, hub.url, RSS)
    turn(house, hub.url)
    assert row(house)["due_at"] >= NOW + timedelta(seconds=45)


def test_a_hub_that_wants_fewer_pings_gets_fewer(house: House, hub: Hub) -> None:
    hub.say(Reply(429, {"Retry-After": "600"}))
    change(house, hub.url, *feeds(20))
    assert turn(house, hub.url) == HubReport(waiting=20)
    assert len(hub.pings) <= 2
    rows = house.rows(table)
    assert {one["due_at"] for one in rows} == {NOW + 10 * MINUTE}
    # It is the hub that is busy: the others have not failed.
    assert sum(one["attempts"] for one in rows) == len(hub.pings)
    put_off = {one["answer"] for one in rows if one["attempts"] == 0}
    assert put_off == {"put off: 429 Too Many Requests"}


def test_too_many_requests_without_a_time_are_put_off_a_minute(house: House, hub: Hub) -> None:
    hub.say(Reply(429))
    change(house, hub.url, *feeds(5))
    turn(house, hub.url)
    untried = [one for one in house.rows(table) if one["attempts"] == 0]
    assert untried
    assert {one["due_at"] for one in untried} == {NOW + MINUTE}


# --- what an answer means -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_success_is_told(hub: Hub, status: int) -> None:
    hub.say(Reply(status))
    assert answer(hub).verdict is HubResult.TOLD


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 422])
def test_a_refusal_is_given_up_at_once(house: House, hub: Hub, status: int) -> None:
    hub.say(text(status, "hub.url is not one of ours\nand more"))
    change(house, hub.url, RSS)
    pinged = turn(house, hub.url)
    assert (pinged.failed, pinged.waiting) == (1, 0)
    assert pinged.problems[0].endswith(": hub.url is not one of ours")
    assert row(house)["state"] == "failed"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_be_over_soon_is_tried_again(house: House, hub: Hub, status: int) -> None:
    hub.say(Reply(status))
    change(house, hub.url, RSS)
    assert turn(house, hub.url) == HubReport(waiting=1)


def test_one_problem_tells_of_all_topics_of_a_hub(house: House, hub: Hub) -> None:
    hub.say(Reply(403))
    change(house, hub.url, *feeds(9))
    pinged = turn(house, hub.url)
    assert pinged.failed == 9
    (problem,) = pinged.problems
    assert problem.endswith(".json and 8 more: 403 Forbidden")


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_is_followed_with_the_same_form(
    house: House, make_hub: Callable[[], Hub], status: int
) -> None:
    old, new = make_hub(), make_hub()
    old.say(Reply(status, {"Location": f"{new.url}here"}))
    change(house, old.url, RSS)
    assert turn(house, old.url).told == 1
    assert [(one.path, one.topic) for one in new.pings] == [("/here", RSS)]


def test_a_redirect_may_be_relative(hub: Hub) -> None:
    def moved(_topic: str) -> Reply:
        hub.say(Reply())
        return Reply(308, {"Location": "push"})

    hub.answer = moved
    assert answer(hub).verdict is HubResult.TOLD
    assert [one.path for one in hub.pings] == ["/", "/push"]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_no_other_redirect_is_followed(hub: Hub, status: int) -> None:
    hub.say(Reply(status, {"Location": f"{hub.url}here?key=abc"}))
    given = answer(hub)
    assert given.verdict is HubResult.REFUSED
    assert given.words.endswith(f"the hub is now at {hub.url}here?…")
    assert len(hub.pings) == 1


def test_a_redirect_is_followed_once(hub: Hub) -> None:
    hub.say(Reply(307, {"Location": "/again"}))
    assert answer(hub).verdict is HubResult.REFUSED
    assert [one.path for one in hub.pings] == ["/", "/again"]


@pytest.mark.parametrize(
    "target", ["file:///etc/hostname", "ftp://hub.example.net/", "data:,", ""]
)
def test_a_redirect_leads_nowhere_but_to_the_web(hub: Hub, target: str) -> None:
    hub.say(Reply(307, {"Location": target}))
    assert answer(hub).verdict is HubResult.REFUSED
    assert len(hub.pings) == 1


@pytest.mark.parametrize("target", ["http://[broken/", "http://hub.example.net:x/", "/a b"])
def test_a_redirect_to_an_address_that_is_none_is_no_crash(hub: Hub, target: str) -> None:
    hub.say(Reply(307, {"Location": target}))
    given = answer(hub)
    assert given.verdict is HubResult.UNREACHED
    assert given.words == "the hub doesn't speak HTTP, or its address can't be used"


def test_a_hub_that_moved_to_an_address_that_is_none_is_no_crash(hub: Hub) -> None:
    hub.say(Reply(301, {"Location": "http://[broken/"}))
    assert answer(hub).words.endswith("an address that can't be read")


def test_no_more_than_a_kilobyte_of_an_answer_is_read(hub: Hub) -> None:
    hub.say(text(400, "x" * 1_000_000))
    given = answer(hub)
    assert given.verdict is HubResult.REFUSED
    assert given.words == "400 Bad Request: " + "x" * 200


@pytest.mark.parametrize("body", [b"", b"\n \n"])
def test_an_answer_without_words_is_its_status(hub: Hub, body: bytes) -> None:
    hub.say(Reply(400, {"Content-Type": "text/plain"}, body))
    assert answer(hub).words == "400 Bad Request"


def test_a_page_is_not_taken_for_words(hub: Hub) -> None:
    hub.say(Reply(404, {"Content-Type": "text/html"}, b"<!DOCTYPE html><p>Sorry"))
    assert answer(hub).words == "404 Not Found"


def test_an_answer_can_not_move_the_cursor_of_a_terminal(hub: Hub) -> None:
    hub.say(text(400, "\x1b[2Jgone \u202etxt"))
    assert answer(hub).words == "400 Bad Request: \ufffd[2Jgone \ufffdtxt"


def test_a_status_counts_even_if_the_words_break_off(hub: Hub) -> None:
    hub.say(Reply(400, {"Content-Type": "text/plain"}, b"", cut_short=True))
    assert answer(hub).verdict is HubResult.REFUSED


# --- hubs that can't be reached -----------------------------------------------------------------


def test_a_refused_connection_is_tried_again(house: House) -> None:
    hub = closed_port()
    change(house, hub, RSS)
    assert turn(house, hub) == HubReport(waiting=1)
    assert row(house)["answer"] == "the connection was refused"


def test_a_hub_that_hangs_up_is_tried_again(house: House, hub: Hub) -> None:
    hub.say(Reply(0))
    change(house, hub.url, RSS)
    assert turn(house, hub.url) == HubReport(waiting=1)
    assert row(house)["answer"] == "the hub hung up without an answer"


def test_a_name_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # Asking a real resolver would use the network.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert answer("http://hub.example.net/").words == "the hub's name can't be found"


def test_other_trouble_is_said_in_the_system_s_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_arguments: Any, **_options: Any) -> Any:
        raise OSError(113, "No route to host")

    monkeypatch.setattr(socket, "create_connection", nowhere)
    assert answer("http://hub.example.net/").words == (
        "the hub can't be reached: No route to host"
    )


@pytest.mark.parametrize(
    "hub",
    ["http://hub.example.net/?a b", "gopher://hub.example.net/", "http://u:p@example.net/"],
)
def test_an_address_that_no_request_can_be_made_of_is_no_crash(hub: str) -> None:
    given = answer(hub)
    assert given.verdict is HubResult.UNREACHED
    assert hub not in given.words


def test_what_does_not_speak_http_is_said() -> None:
    with listener() as (address, server):

        def greet() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"220 mail.example.net ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        given = answer(address)
        thread.join()
    assert given.words == "the hub doesn't speak HTTP, or its address can't be used"


def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    contexts: list[ssl.SSLContext] = []

    def refuse(self: ssl.SSLContext, *_arguments: Any, **_options: Any) -> Any:
        contexts.append(self)
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise error

    # The standard library makes no certificates; what it is asked for is what matters.
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", refuse)
    with listener() as (address, _):
        given = answer(address.replace("http:", "https:"))
    assert contexts[0].verify_mode is ssl.CERT_REQUIRED
    assert contexts[0].check_hostname
    assert given.words == "its certificate is not to be trusted: self-signed certificate"


def test_a_silent_hub_is_waited_for_so_long_and_no_longer(house: House) -> None:
    with listener() as (address, _):
        change(house, address, RSS)
        before = time.monotonic()
        assert turn(house, address, timeout=SOON) == HubReport(waiting=1)
        assert SOON <= time.monotonic() - before < SOON + 1
    assert row(house)["answer"] == "no answer within 0.2 seconds"
    assert row(house)["attempts"] == 1


def test_a_silent_hub_is_left_by_the_thread_that_asks_too() -> None:
    with listener() as (address, _):
        assert answer(address, timeout=0.05).words == "no answer within 0.05 seconds"


def test_a_connection_that_is_never_made_is_waited_for_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_arguments: Any, **_options: Any) -> Any:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", never)
    assert answer("http://hub.example.net/", timeout=3).words == "no answer within 3 seconds"


def test_a_hub_that_dribbles_is_cut_off(house: House, hub: Hub) -> None:
    hub.say(Reply(dribble=0.01))
    change(house, hub.url, RSS)
    before = time.monotonic()
    assert turn(house, hub.url, timeout=SOON) == HubReport(waiting=1)
    assert time.monotonic() - before < SOON + 1
    # The thread has ended, and the hub has seen it go.
    wait_for(lambda: hub.at_once == 0)


def test_a_dead_hub_is_tried_twice_a_turn_however_many_topics_wait(house: House) -> None:
    with listener() as (address, server):
        change(house, address, *feeds(50))
        before = time.monotonic()
        assert turn(house, address, timeout=SOON) == HubReport(waiting=50)
        assert time.monotonic() - before < 2 * SOON + 1
        assert connections(server) == 2
    rows = house.rows(table)
    # All have been put off: the next turn is quick.
    assert {one["attempts"] for one in rows} == {1}
    assert all(one["due_at"] >= NOW + timedelta(seconds=45) for one in rows)


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


def test_a_dead_hub_is_given_up_with_all_its_topics(house: House) -> None:
    hub = closed_port()
    change(house, hub, *feeds(5))
    at = NOW
    for _ in range(MAX_PING_ATTEMPTS - 1):
        assert turn(house, hub, at=at).waiting == 5
        at = max(one["due_at"] for one in house.rows(table))
    assert turn(house, hub, at=at).failed == 5


def test_a_dead_hub_does_not_hold_up_another(house: House, hub: Hub) -> None:
    with listener() as (address, _):
        for one in (address, hub.url):
            change(house, one, *feeds(30))
        assert turn(house, address, hub.url, timeout=1) == HubReport(told=30, waiting=30)
    assert sorted(hub.topics) == feeds(30)


def test_a_hub_that_failed_once_is_tried_with_its_other_topics(house: House, hub: Hub) -> None:
    hub.answer = lambda topic: Reply(0 if topic == feeds(1)[0] else 204)
    change(house, hub.url, *feeds(10))
    assert turn(house, hub.url) == HubReport(told=9, waiting=1)


def test_a_turn_is_over_when_it_should_be(house: House, hub: Hub) -> None:
    hub.say(Reply(delay=0.1))
    change(house, hub.url, *feeds(100))
    before = time.monotonic()
    pinged = turn(house, hub.url, timeout=0.6, turn=1)
    assert time.monotonic() - before < 1 + 1
    assert 0 < pinged.told < 100
    assert pinged.told + pinged.waiting == 100
    # What was not reached is as it was: due at once.
    untried = [one for one in house.rows(table) if one["state"] == "pending"]
    assert {(one["attempts"], one["due_at"], one["answer"]) for one in untried} == {
        (0, NOW, None)
    }


def test_a_ping_that_was_cut_off_counts_once(house: House, hub: Hub) -> None:
    slow = feeds(1)[0]
    hub.answer = lambda topic: Reply(dribble=0.01) if topic == slow else Reply(delay=0.3)
    change(house, hub.url, *feeds(30))
    # Its thread has its own failure to tell while the others go on; twice would close the hub.
    assert turn(house, hub.url, timeout=1) == HubReport(told=29, waiting=1)
    assert row(house, slow)["attempts"] == 1
    assert row(house, slow)["answer"] == "no answer within 1 seconds"


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
def test_an_address_is_shown_without_its_secrets(address: str, seen: str) -> None:
    assert printable_address(address) == seen


def test_no_secret_of_a_hub_is_told_to_anybody(
    house: House, hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{hub.url}?key=letmein"
    # A hub may repeat what it was asked with.
    hub.answer = lambda topic: text(503 if topic == ATOM else 400, "letmein is not a key")
    change(house, address, RSS, ATOM)
    pinged = turn(house, address)
    with house.database.reading() as connection:
        given_up = websub_queue.failed_pings(connection)
    printed = capsys.readouterr()
    assert given_up == [(f"{hub.url}?…", RSS, "400 Bad Request")]
    assert hub.url in printed.out + printed.err
    assert "letmein" not in f"{pinged} {given_up} {printed.out} {printed.err}"


def test_a_failure_without_words_can_be_listed(house: House, hub: Hub) -> None:
    change(house, hub.url, RSS)
    with house.database.writing() as connection:
        connection.execute(update(table).values(state="failed"))
        assert websub_queue.failed_pings(connection) == [(hub.url, RSS, "")]


def test_the_environment_s_proxy_is_used(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    assert answer("http://hub.example.net/push").verdict is HubResult.TOLD
    (got,) = hub.pings
    assert got.path == "http://hub.example.net/push"
    assert got.headers["Host"] == "hub.example.net"


def test_a_call_can_be_cut_before_it_is_made_and_after_it_is_over(hub: Hub) -> None:
    call = PublishRequest()
    call.cut()
    assert call.tell(hub.url, RSS, 2, NOW).verdict is HubResult.TOLD
    call.cut()


def test_a_line_that_is_gone_already_can_be_cut() -> None:
    with listener() as (address, server):
        call = PublishRequest()
        thread = threading.Thread(target=call.tell, args=(address, RSS, 2, NOW))
        thread.start()
        line, _ = server.accept()
        with closing(line):
            line.recv(65536)
            call.cut()
            call.cut()
        thread.join()
