"""When to ask a source again, and how: conditional requests, intervals, back-off, moves. Pure.

A source's state is a value that the caller stores. An answer makes the next one, with a sentence about it. The
caller parses the body, says whether it is what it should be, and keeps hosts apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import urlsplit

from publisher.fetching.header_times import asked_delay, http_date
from publisher.polling.model import WebFeed
from publisher.polling.push import PushState

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What no source is asked more often than, and what no answer makes longer.
SHORTEST_INTERVAL, LONGEST_INTERVAL = 15 * _MINUTE, _DAY
# The shortest interval that no setting asks for, and after how long without an entry it grows.
_USUAL_INTERVAL, _QUIET = 30 * _MINUTE, 7 * _DAY
_LONGEST_RETRY = 7 * _DAY  # the longest that Retry-After holds back a host
FULL_POLL_AFTER = 8 * _DAY  # a server that says 304 to everything is found out so late at most
MOVE_BELIEVED_AFTER = 7 * _DAY  # a network of a hotel redirects everything for some days
MISSING_AFTER = 7 * _DAY
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = _HOUR, 3 * _DAY
_JITTER = 0.1  # of each interval, so that sources that were added together spread out
_BUSY = frozenset({429, 503})
# What ends polls until a person says otherwise.
_STOPPING = {
    401: "the server asks for a login",
    410: "gone; it is not asked again, and its articles stay",
}


@dataclass(frozen=True, slots=True)
class PollState:
    """What is known of a source between two polls. `etag` and `last_modified` are as the server wrote them."""

    url: str
    next_at: datetime
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    full_at: datetime | None = None  # when the whole body came last
    interval: int = 3600  # seconds from one poll to the next, if the server asks for none
    # Hours of the week, from Monday at 0 UTC, in which the source is not to be asked.
    skipped: tuple[int, ...] = ()
    errors: int = 0
    failing_since: datetime | None = None
    # Where permanent redirects lead, and since when they all have led there.
    moved_to: str = ""
    moved_since: datetime | None = None
    is_stopped: bool = False  # nothing is asked until a person says so
    cursor: str = ""  # what the kind of the source stores from one poll to the next
    push: PushState = field(default_factory=PushState)


class PollResult(StrEnum):
    """What came of a poll. With `WAIT` the server asks to come back later."""

    NEW = "new"
    UNCHANGED = "unchanged"
    WAIT = "wait"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """An answer: `status` is None if there was none, and `problem` says why.

    `moved_to` is where the permanent redirects (301, 308) led that came before any other; empty if none did.
    `is_readable` says that the body is of the source's kind, `overlaps` that it has entries that are known.
    `interval` is what the body asks for (ttl, sy:updatePeriod), or its entries suggest; None for that of before.
    `url` is where the body comes from. `skipped` are hours of the week; None for those of before.
    """

    status: int | None
    headers: Mapping[str, str]
    body_hash: str = ""
    moved_to: str = ""
    is_readable: bool = True
    overlaps: bool = False
    interval: timedelta | None = None
    skipped: tuple[int, ...] | None = None
    problem: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Polled:
    """The state after a poll, its result, and a sentence. `host_until`: nothing of the host is asked before."""

    state: PollState
    result: PollResult
    text: str
    host_until: datetime | None = None


def conditional_headers(state: PollState, now: datetime) -> dict[str, str]:
    """Return the header fields of a poll: both validators, or none when a whole body is due (RFC 9110 section 13)."""
    if state.full_at is None or now - state.full_at >= FULL_POLL_AFTER:
        return {}
    fields = {"If-None-Match": state.etag, "If-Modified-Since": state.last_modified}
    return {name: value for name, value in fields.items() if value}


def after_answer(state: PollState, answer: PollAnswer, now: datetime, spread: float) -> Polled:
    """Return what follows from an answer. `spread` is random, from -1 to 1."""
    status = answer.status
    if status == HTTPStatus.OK and answer.is_readable:
        return _read(state, answer, now, spread)
    if status == HTTPStatus.NOT_MODIFIED:
        # Somewhere else, too, the document is the one that is known.
        moved = _with_move(_with_validators(state, answer), replace(answer, overlaps=True), now)
        done = _succeeded(moved, answer, now, spread)
        return Polled(done, PollResult.UNCHANGED, "not modified")
    if status in _STOPPING:
        text = f"{status}: {_STOPPING[status]}"
        return Polled(replace(state, is_stopped=True), PollResult.STOPPED, text)
    if status in _BUSY and (until := retry_after(answer.headers, now)):
        later = max(until, now + SHORTEST_INTERVAL)
        text = f"{status}: not before {later:%F %R}"
        return Polled(replace(state, next_at=later), PollResult.WAIT, text, later)
    failed = _failed(state, now, spread)
    until = failed.next_at if status == HTTPStatus.TOO_MANY_REQUESTS else None
    return Polled(failed, PollResult.FAILED, _why(state, answer, now), until)


def _why(state: PollState, answer: PollAnswer, now: datetime) -> str:
    if answer.status == HTTPStatus.OK:
        return answer.problem or "the answer is not of this kind of source"
    text = answer.problem or f"it answered {answer.status}"
    if answer.headers.get("cf-mitigated") == "challenge":
        return f"{text}: Cloudflare lets in browsers alone; ask whoever runs the site to let this program in"
    if answer.status == HTTPStatus.FORBIDDEN:
        return f"{text}: it refuses this program"
    is_long = state.failing_since and now - state.failing_since >= MISSING_AFTER
    if answer.status == HTTPStatus.NOT_FOUND and is_long:
        return f"{text} for {MISSING_AFTER.days} days: is its address still right?"
    return text


def _read(state: PollState, answer: PollAnswer, now: datetime, spread: float) -> Polled:
    done = replace(state, full_at=now, etag="", last_modified="")
    done = _with_move(_with_validators(done, answer), answer, now)
    done = _succeeded(replace(done, body_hash=answer.body_hash), answer, now, spread)
    if answer.body_hash == state.body_hash:
        return Polled(done, PollResult.UNCHANGED, "the same as before")
    moved = f"; it has moved to {urlsplit(done.url).netloc}" if done.url != state.url else ""
    return Polled(done, PollResult.NEW, f"read{moved}")


def _with_validators(state: PollState, answer: PollAnswer) -> PollState:
    """Store what an answer has of validators: 304 may have new ones. Nothing is made up."""
    headers = answer.headers
    return replace(
        state,
        etag=headers.get("ETag", state.etag),
        last_modified=headers.get("Last-Modified", state.last_modified),
    )


def _with_move(state: PollState, answer: PollAnswer, now: datetime) -> PollState:
    """Believe permanent redirects that have led to one readable place for days."""
    to = answer.moved_to
    if not to:
        return replace(state, moved_to="", moved_since=None)
    since = state.moved_since if to == state.moved_to and state.moved_since else now
    is_believed = now - since >= MOVE_BELIEVED_AFTER and answer.overlaps
    if is_believed or to == state.url.replace("http://", "https://", 1) != state.url:
        # Validators belong to one address.
        state = replace(state, url=to, etag="", last_modified="")
        return replace(state, moved_to="", moved_since=None)
    return replace(state, moved_to=to, moved_since=since)


def _succeeded(state: PollState, answer: PollAnswer, now: datetime, spread: float) -> PollState:
    own = answer.interval or timedelta(seconds=state.interval)
    wait = max(own, freshness(answer.headers, now))
    wait = min(max(wait, SHORTEST_INTERVAL), LONGEST_INTERVAL)
    skipped = state.skipped if answer.skipped is None else answer.skipped
    state = replace(state, interval=int(own.total_seconds()), skipped=skipped)
    # Never before the shortest interval.
    next_at = now + max(wait * (1 + _JITTER * spread), SHORTEST_INTERVAL)
    for _hour in range(24):
        if next_at.weekday() * 24 + next_at.hour in skipped:
            next_at = next_at.replace(minute=0, second=0) + _HOUR
    return replace(state, next_at=next_at, errors=0, failing_since=None)


def _failed(state: PollState, now: datetime, spread: float) -> PollState:
    # Ten doublings are longer than the longest.
    wait = min(_FIRST_BACK_OFF * 2 ** min(state.errors, 10), _LONGEST_BACK_OFF)
    return replace(
        state,
        next_at=now + wait * (1 + _JITTER * spread),
        errors=state.errors + 1,
        failing_since=state.failing_since or now,
    )


def interval_of(feed: WebFeed, now: datetime) -> timedelta:
    """Return how often a feed is worth asking: half the time between its entries, less often when it has gone quiet."""
    dates = sorted(date for one in feed.entries if (date := one.published) and date <= now)
    if not dates:
        own = _HOUR
    elif (age := now - dates[-1]) >= _QUIET:
        own = min(LONGEST_INTERVAL * (age / (4 * _QUIET)), LONGEST_INTERVAL)
    else:
        own = (dates[-1] - dates[0]) / max(len(dates) - 1, 1) / 2
    own = min(max(own, _USUAL_INTERVAL), LONGEST_INTERVAL)
    return max(own, min(feed.interval or timedelta(), LONGEST_INTERVAL))


def freshness(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Return how long an answer is fresh: max-age, or Expires after Date (RFC 9111 section 4.2.1); 0 if unsaid."""
    directives = {}
    for part in headers.get("Cache-Control", "").lower().split(","):
        name, _, value = part.strip().partition("=")
        directives[name.strip()] = value.strip().strip('"')
    if {"no-cache", "no-store"} & directives.keys():
        return timedelta(0)
    if (age := directives.get("max-age", "")) and age.isascii() and age.isdigit():
        # Nine digits are 31 years; more would overflow.
        return timedelta(seconds=int(age[:9]))
    expires = http_date(headers.get("Expires", ""))
    if expires is None or "max-age" in directives:
        return timedelta(0)
    return max(expires - (http_date(headers.get("Date", "")) or now), timedelta(0))


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return until when a server asks to wait, a week at most; None if it does not say."""
    # By the server's own clock.
    there = http_date(headers.get("Date", "")) or now
    wait = asked_delay(headers.get("Retry-After", ""), there, _LONGEST_RETRY)
    return None if wait is None else now + wait
