"""When a source is asked again, by tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.polling import schedule
from publisher.polling.schedule import PollAnswer, PollResult, PollState

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STATE = PollState(
    "https://example.org/feed",
    NOW,
    'W/"a-gzip"',
    "Mon, 02 Mar 2026 11:00:00 GMT",
    "h1",
    NOW - DAY,
)


def date(hours: float) -> str:
    return f"{NOW + hours * HOUR:%a, %d %b %Y %H:%M:%S} GMT"


def polled(state: PollState, answer: PollAnswer, now: datetime = NOW) -> schedule.Polled:
    return schedule.after_answer(state, answer, now, 0.0)


def test_both_validators_are_sent_as_they_came_and_after_eight_days_none() -> None:
    both = {"If-None-Match": STATE.etag, "If-Modified-Since": STATE.last_modified}
    assert schedule.conditional_headers(STATE, NOW) == both
    assert schedule.conditional_headers(replace(STATE, etag=""), NOW) == {
        "If-Modified-Since": STATE.last_modified
    }
    assert schedule.conditional_headers(STATE, NOW + 6.9 * DAY) == both
    assert schedule.conditional_headers(STATE, NOW + 7 * DAY) == {}
    assert schedule.conditional_headers(replace(STATE, full_at=None), NOW) == {}


@pytest.mark.parametrize("status", [200, 304])
def test_new_validators_are_stored_whether_the_body_changed_or_not(status: int) -> None:
    answer = PollAnswer(status, {"ETag": '"b"'}, "h1")
    after = polled(STATE, answer)
    assert after.result is PollResult.UNCHANGED
    # A whole answer without Last-Modified has none; 304 keeps what it does not name.
    modified = "" if status == 200 else STATE.last_modified
    assert (after.state.etag, after.state.last_modified) == ('"b"', modified)
    assert after.state.full_at == (NOW if status == 200 else STATE.full_at)


@pytest.mark.parametrize(
    ("headers", "own", "wait"),
    [
        ({}, HOUR, HOUR),
        ({}, HOUR / 60, HOUR / 4),
        ({}, 90 * DAY, DAY),
        ({"Cache-Control": "public, max-age=7200"}, HOUR, 2 * HOUR),
        ({"Cache-Control": "max-age=60"}, HOUR, HOUR),
        ({"Cache-Control": 'MAX-AGE="7200"'}, HOUR, 2 * HOUR),
        ({"Cache-Control": "max-age=99999999999999999999"}, HOUR, DAY),
        ({"Cache-Control": "max-age=7200, no-cache"}, HOUR, HOUR),
        ({"Cache-Control": "max-age=x", "Expires": date(3)}, HOUR, HOUR),
        ({"Expires": date(3)}, HOUR, 3 * HOUR),
        # The server's clock is a year off.
        ({"Expires": date(24 * 365 + 3), "Date": date(24 * 365)}, HOUR, 3 * HOUR),
        ({"Expires": "0"}, HOUR, HOUR),
        ({"Expires": date(-3)}, HOUR, HOUR),
    ],
)
def test_the_longest_of_what_was_asked_for_counts_within_bounds(
    headers: dict[str, str], own: timedelta, wait: timedelta
) -> None:
    after = polled(STATE, PollAnswer(200, headers, "h2", interval=own))
    assert (after.result, after.state.next_at - NOW) == (PollResult.NEW, wait)


def test_sources_spread_out_and_never_come_before_the_shortest_interval() -> None:
    answer = PollAnswer(304, {}, interval=2 * HOUR)
    waits = [schedule.after_answer(STATE, answer, NOW, n).state.next_at - NOW for n in (-1, 1)]
    assert waits == [1.8 * HOUR, 2.2 * HOUR]
    answer = PollAnswer(304, {}, interval=schedule.SHORTEST_INTERVAL)
    assert (
        schedule.after_answer(STATE, answer, NOW, -1).state.next_at
        == NOW + schedule.SHORTEST_INTERVAL
    )


def test_hours_that_a_feed_excludes_are_kept_also_after_304_but_for_a_day_at_most() -> None:
    hours = tuple(range(NOW.hour + 1, NOW.hour + 4))
    state = polled(STATE, PollAnswer(200, {}, "h2", interval=HOUR, skipped=hours)).state
    assert state.next_at == NOW.replace(minute=0) + 4 * HOUR
    again = polled(state, PollAnswer(304, {}, interval=2 * HOUR))
    assert again.state.next_at == NOW.replace(minute=0) + 4 * HOUR
    never = polled(state, PollAnswer(200, {}, "h3", interval=HOUR, skipped=(*range(7 * 24),)))
    assert never.state.next_at == NOW.replace(minute=0) + 25 * HOUR


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7200"}, 2 * HOUR),
        ({"Retry-After": "1"}, schedule.SHORTEST_INTERVAL),
        ({"Retry-After": "9" * 40}, 7 * DAY),
        ({"Retry-After": date(5)}, 5 * HOUR),
        ({"Retry-After": date(29), "Date": date(24)}, 5 * HOUR),
        ({"Retry-After": date(-5)}, schedule.SHORTEST_INTERVAL),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_back_the_whole_host_and_is_no_error(
    status: int, headers: dict[str, str], wait: timedelta
) -> None:
    after = polled(STATE, PollAnswer(status, headers))
    assert after.result is PollResult.WAIT
    assert (after.state.next_at, after.host_until) == (NOW + wait, NOW + wait)
    assert after.state.errors == 0


def test_429_without_a_time_holds_back_the_host_and_503_is_an_error() -> None:
    busy, broken = (polled(STATE, PollAnswer(status, {})) for status in (429, 503))
    assert (busy.result, busy.host_until) == (PollResult.FAILED, NOW + HOUR)
    assert (broken.result, broken.host_until) == (PollResult.FAILED, None)


@pytest.mark.parametrize("status", [None, 400, 404, 500, 502, 503, 302, 101, 204])
def test_errors_double_the_wait_to_three_days_and_an_answer_ends_them(
    status: int | None,
) -> None:
    state, now, waits = STATE, NOW, []
    for _ in range(9):
        after = polled(state, PollAnswer(status, {}, problem="broken"), now)
        assert after.result is PollResult.FAILED
        waits.append((after.state.next_at - now) / HOUR)
        state, now = after.state, after.state.next_at
    assert waits == [1, 2, 4, 8, 16, 32, 64, 72, 72]
    # What was known stays.
    assert (state.etag, state.body_hash, state.url) == (STATE.etag, "h1", STATE.url)
    healthy = polled(state, PollAnswer(304, {}), now).state
    assert (healthy.errors, healthy.failing_since) == (0, None)


def test_a_source_that_is_missing_for_a_week_is_asked_about() -> None:
    first = polled(STATE, PollAnswer(404, {}))
    assert first.text == "it answered 404"
    last = polled(first.state, PollAnswer(404, {}), NOW + 7 * DAY)
    assert last.text == "it answered 404 for 7 days: is its address still right?"


@pytest.mark.parametrize("status", [401, 410])
def test_a_server_that_wants_no_more_requests_gets_none(status: int) -> None:
    after = polled(STATE, PollAnswer(status, {}))
    assert (after.result, after.state.is_stopped) == (PollResult.STOPPED, True)


def test_a_body_of_another_kind_is_an_error_and_changes_nothing() -> None:
    login = PollAnswer(200, {"ETag": '"x"'}, "h9", "https://login.example/", is_readable=False)
    after = polled(STATE, login)
    assert after.result is PollResult.FAILED
    assert replace(after.state, next_at=NOW, errors=0, failing_since=None) == STATE


MOVED = "https://example.net/feed"


def after_days(*answers: PollAnswer) -> list[str]:
    """Return the address after each answer; one comes every three days."""
    state, urls = STATE, []
    for number, answer in enumerate(answers):
        state = polled(state, answer, NOW + 3 * number * DAY).state
        urls.append(state.url)
    return urls


def moved(to: str = MOVED, *, overlaps: bool = True, body: str = "h1") -> PollAnswer:
    return PollAnswer(200, {"ETag": '"n"'}, body, to, overlaps=overlaps)


OTHER, STAYS = moved("https://example.com/"), moved("")
UNKNOWN = moved(overlaps=False)


@pytest.mark.parametrize(
    ("answers", "believed_at"),
    [
        ([moved()] * 4, 3),
        ([moved(), moved(), STAYS, moved(), moved(), moved()], None),
        ([moved(), moved(), OTHER, moved(), moved(), moved()], None),
        ([UNKNOWN] * 5, None),
        # A network that leads everything to one page, for days.
        ([PollAnswer(200, {}, "h", MOVED, is_readable=False)] * 5, None),
        # What failed in between says nothing.
        ([moved(), PollAnswer(500, {}), PollAnswer(None, {}), moved()], 3),
    ],
)
def test_a_permanent_move_is_believed_after_a_week(
    answers: list[PollAnswer], believed_at: int | None
) -> None:
    urls = after_days(*answers)
    assert (urls.index(MOVED) if MOVED in urls else None) == believed_at


def test_https_of_the_same_address_is_believed_at_once_and_validators_do_not_move() -> None:
    plain = replace(STATE, url="http://example.org/feed")
    after = polled(plain, moved(STATE.url, body="h2"))
    assert (after.state.url, after.state.etag, after.state.last_modified) == (STATE.url, "", "")
    assert after.text == "read; it has moved to example.org"
    other = polled(plain, moved("https://example.net/feed"))
    assert other.state.url == plain.url
