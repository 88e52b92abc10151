"""Notify WebSub hubs of changed feeds: send the pings that are due, and classify the responses.

W3C WebSub (section "Publishing") and PubSubHubbub 0.4 do not define how a publisher notifies a hub.
Hubs accept the form of PubSubHubbub 0.3 ("New Content Notification"): a POST of `hub.mode=publish`
and `hub.url`, the address of the feed. Google's hub and Superfeedr document this form. Switchboard
documents `hub.topic` instead, and WebSubHub accepts either. Both are sent; a hub ignores the one that
it does not use. Proxies come from the environment, and certificates are verified.

A rejection (4xx) is final: the same request would be rejected again, and somebody should read about
it now. Temporary failures (5xx, 408, 425, 429, no connection) are retried.
"""

import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http.client import HTTPConnection, HTTPException, HTTPResponse, responses
from typing import Any, Literal
from urllib.error import URLError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

import structlog
from sqlalchemy import Connection, delete, select

from publisher import __version__
from publisher.database import Database, retry_queue
from publisher.database.retry_queue import FAILED, QueueItem, Settlement, queue_item
from publisher.syndication import websub
from publisher.syndication.indexnow import explain_refusal
from publisher.webhooks.client import call_after, shut_down
from publisher.webhooks.targets import TargetRun

log = structlog.get_logger()

# Requests at the same time, to all hubs together.
MAX_CONCURRENT_PINGS = 8
# Connection errors of a hub in one run.
MAX_HUB_FAILURES = 2
# For all pings of one run, since the cycle has other work to do.
TOTAL_SECONDS = 20.0
# In seconds, for one ping with its redirect. Some hubs fetch the feed before they respond.
PING_TIMEOUT = 8.0
# In one run.
TOPICS_PER_HUB = 200
_ACCEPTED = "accepted"

_USER_AGENT = f"newsletter-publisher/{__version__}"
_SUCCESS, _REDIRECTION, _SERVER_ERROR = range(200, 300), (307, 308), 500
_TOO_MANY, _UNAVAILABLE = 429, 503
# Request Timeout, Too Early, Too Many Requests.
_TEMPORARY = frozenset({408, 425, _TOO_MANY})
# The longest delay that a hub can ask for.
_MAX_RETRY_AFTER = timedelta(days=1)
# Bytes of a response's body that are read.
_MAX_BODY = 1024


class HubResult(Enum):
    """The result of a ping."""

    ACCEPTED = auto()
    REJECTED = auto()
    BUSY = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True)
class HubResponse:
    """The response to one ping, with a text for people.

    `retry_after` is the delay that the hub asks for. If `is_rate_limited`, the hub wants fewer pings
    of any topic.
    """

    result: HubResult
    text: str
    retry_after: timedelta = timedelta(0)
    is_rate_limited: bool = False


def ping_timed_out(timeout: float) -> HubResponse:
    """Return the result of a ping without response in `timeout` seconds."""
    return HubResponse(HubResult.UNREACHABLE, f"no response within {timeout:g} seconds")


class PublishRequest:
    """One ping, which is cut off when its time is over."""

    def __init__(self) -> None:
        self._connections: list[HTTPConnection] = []
        self._is_cut_off = False

    def send(
        self, hub: str, topic: str, timeout: float, now: datetime, document: object = None
    ) -> HubResponse:
        """Notify a hub of a topic; errors of the hub and the network become a response.

        `timeout` is in seconds, for all of it. A `document` is sent as JSON in place of the form.
        """
        try:
            with call_after(timeout, self._cut_off):
                response = self._exchange(hub, _request(topic, document), timeout, now)
        except TimeoutError:
            return ping_timed_out(timeout)
        # ValueError: the address, or that of a redirect, is malformed.
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            if self._is_cut_off or isinstance(reason, TimeoutError):
                return ping_timed_out(timeout)
            return HubResponse(HubResult.UNREACHABLE, _connection_error(reason))
        # To the parser, a header that was cut off is one that has ended.
        return ping_timed_out(timeout) if self._is_cut_off else response

    def _exchange(
        self, hub: str, content: tuple[str, bytes], timeout: float, now: datetime
    ) -> HubResponse:
        opener = _opener(self._connections)
        reply = _post(opener, hub, content, timeout)
        target = _redirection(hub, reply)
        if target:
            reply = _post(opener, target, content, timeout)
        return _classify(reply, hub, now)

    def _cut_off(self) -> None:
        self._is_cut_off = True
        for connection in list(self._connections):
            if connection.sock is not None:
                shut_down(connection.sock)


@dataclass(frozen=True, slots=True)
class _Reply:
    """An HTTP response: status, header fields, and the first line of a text/plain error."""

    status: int
    headers: Mapping[str, str]
    text: str


def _request(topic: str, document: object) -> tuple[str, bytes]:
    """Return the media type and the body of a request."""
    if document is not None:
        return "application/json; charset=utf-8", json.dumps(document).encode()
    form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
    return "application/x-www-form-urlencoded", urlencode(form).encode()


def _post(
    opener: OpenerDirector, address: str, content: tuple[str, bytes], timeout: float
) -> _Reply:
    media_type, body = content
    headers = {"Content-Type": media_type, "User-Agent": _USER_AGENT}
    request = Request(address, body, headers, method="POST")  # noqa: S310 -- the opener has HTTP only
    with opener.open(request, timeout=timeout) as response:
        return _Reply(response.status, response.headers, _error_text(response))


def _error_text(response: HTTPResponse) -> str:
    """Read the first line of an error in plain text, with one read."""
    if response.status in _SUCCESS or response.headers.get_content_type() != "text/plain":
        return ""
    text = b""
    # The status counts, even if the body can't be read.
    with suppress(OSError, HTTPException):
        text = response.read1(_MAX_BODY)
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return websub.printable_answer(lines[0]) if lines else ""


def _redirection(hub: str, reply: _Reply) -> str | None:
    """Return where to repeat the POST (RFC 9110 sections 15.4.8 and 15.4.9).

    It has to be on the hub's own host: a hub must not choose one of this network.
    """
    location = reply.headers.get("Location")
    if reply.status not in _REDIRECTION or not location:
        return None
    target = urljoin(hub, location)
    before, after = urlsplit(hub), urlsplit(target)
    is_same = after.netloc == before.netloc and after.scheme in {before.scheme, "https"}
    return target if is_same else None


def _classify(reply: _Reply, hub: str, now: datetime) -> HubResponse:
    """Return what a response means (RFC 9110 section 15)."""
    text = f"{reply.status} {responses.get(reply.status, '')}".strip()
    if reply.status in _SUCCESS:
        return HubResponse(HubResult.ACCEPTED, text)
    # A hub may repeat its address in the error, so the error is kept only if that has no secret.
    if reply.text and not {"?", "@"} & set(hub):
        text += f": {reply.text}"
    if reply.status in {_TOO_MANY, _UNAVAILABLE}:
        delay = _retry_after(reply.headers.get("Retry-After"), now)
        is_rate_limited = reply.status == _TOO_MANY or delay > timedelta(0)
        return HubResponse(HubResult.BUSY, text, delay, is_rate_limited)
    if reply.status >= _SERVER_ERROR or reply.status in _TEMPORARY:
        return HubResponse(HubResult.BUSY, text)
    if location := reply.headers.get("Location"):
        text += f"; the hub is now at {websub.printable_address(location)}"
    return HubResponse(HubResult.REJECTED, text)


def _retry_after(value: str | None, now: datetime) -> timedelta:
    """Parse Retry-After (RFC 9110 section 10.2.3): seconds or a date; 0 if it is malformed."""
    text = (value or "").strip()
    try:
        if text.isascii() and text.isdigit():
            # Nine digits are 31 years; more would overflow.
            delay = timedelta(seconds=int(text[:9]))
        else:
            moment = parsedate_to_datetime(text)
            delay = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return min(max(delay, timedelta(0)), _MAX_RETRY_AFTER)


def _connection_error(error: BaseException | str) -> str:
    """Describe a connection error. The text of an HTTPException may contain the whole address."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate can't be verified: {error.verify_message}"
        case socket.gaierror():
            return "the hub's name can't be resolved"
        case ConnectionRefusedError():
            return "the connection was refused"
        case ConnectionError():
            return "the hub closed the connection without a response"
        case OSError():
            return f"the hub can't be reached: {error.strerror or type(error).__name__}"
        case _:
            return "the hub does not speak HTTP, or its address is malformed"


class _WebHandler(HTTPHandler, HTTPSHandler):
    """For http and https: certificates are verified. Each connection is kept, so that it can be cut off."""

    def __init__(self, connections: list[HTTPConnection]) -> None:
        super().__init__()
        self._connections = connections

    def do_open(self, http_class: Any, req: Request, **arguments: Any) -> HTTPResponse:
        def connect(host: str, **options: Any) -> Any:
            connection = http_class(host, **options)
            self._connections.append(connection)
            return connection

        return super().do_open(connect, req, **arguments)


def _opener(connections: list[HTTPConnection]) -> OpenerDirector:
    """Return an opener without cookies, redirects and exceptions for error statuses."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), UnknownHandler(), _WebHandler(connections)):
        opener.add_handler(handler)
    return opener


@dataclass(frozen=True, slots=True)
class HubReport:
    """The number of pings that were accepted, given up, and left for a later run."""

    accepted: int = 0
    failed: int = 0
    waiting: int = 0
    problems: list[str] = field(default_factory=list)


def notify_hubs(
    database: Database,
    hubs: Sequence[str],
    now: datetime,
    *,
    limit: int = TOPICS_PER_HUB,
    timeout: float = PING_TIMEOUT,
    total: float = TOTAL_SECONDS,
) -> HubReport:
    """Send the pings that are due, at most `limit` topics per hub.

    `timeout` and `total` are seconds, for one ping and for all of them. Pings that were not sent
    when the time is over stay queued. Pings to hubs that are not in `hubs` are deleted.
    """
    # A ping that begins later would not have its full timeout.
    last_start = time.monotonic() + total - timeout
    run = _PingRun(database, lambda: now, time.monotonic, last_start, timeout)
    run.run(_reserve(database, hubs, now, limit))
    run.log()
    with database.reading() as connection:
        waiting = websub.count_waiting_pings(connection)
    counts = Counter[str]()
    for (state, _hub, _response), topics in run.outcomes.items():
        counts[state] += len(topics)
    return HubReport(counts[_ACCEPTED], counts[FAILED], waiting, _problems(run.outcomes))


def _reserve(
    database: Database, hubs: Sequence[str], now: datetime, limit: int
) -> list[QueueItem]:
    others = websub.IS_PING & queue_item.c.target.not_in(hubs)
    with database.reading() as connection:
        has_others = connection.execute(select(queue_item.c.id).where(others).limit(1)).first()
        # Usually there is nothing to do, and no write transaction is needed.
        if not has_others and not retry_queue.has_work(connection, websub.PING_POLICY, now):
            return []
    with database.writing() as connection:
        connection.execute(delete(queue_item).where(others))
        return retry_queue.reserve_by_target(connection, websub.PING_POLICY, now, limit)


def _problems(outcomes: Mapping[tuple[str, str, str], list[str]]) -> list[str]:
    """Return one line per hub and response, whatever the number of topics."""
    return [
        f"{hub}: could not be notified of {topics[0]}"
        + (f" and {len(topics) - 1} more" if topics[1:] else "")
        + f": {response}"
        for (state, hub, response), topics in outcomes.items()
        if state == FAILED
    ]


@dataclass
class _PingRun(TargetRun):
    """One run: two pings of a hub until it has answered, then more at the same time."""

    timeout: float
    # Topics by state, hub and response.
    outcomes: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    # A small hub might take more for an attack.
    threads = width = MAX_CONCURRENT_PINGS
    # The other topics of a hub that can't be reached wait for a later run.
    probes = MAX_HUB_FAILURES

    @property
    def patience(self) -> float:
        # The names of the hub, and of where it redirects to, are looked up besides.
        return 2 * self.timeout

    def send(self, item: QueueItem) -> HubResponse:
        document = item.payload.get("document")
        answer = PublishRequest().send(
            item.target, websub.ping_topic(item), self.timeout, self.now(), document
        )
        if document and answer.result is HubResult.REJECTED:
            return replace(answer, text=explain_refusal(answer.text, document))
        return answer

    def answer_of_fault(self, item: QueueItem, why: str) -> HubResponse:  # noqa: ARG002  # it is logged
        return HubResponse(HubResult.UNREACHABLE, why)

    def late_answer(self) -> HubResponse:
        return ping_timed_out(self.timeout)

    def settlement(self, item: QueueItem, answer: HubResponse, now: datetime) -> Settlement:
        if answer.result is HubResult.ACCEPTED:
            return Settlement(_ACCEPTED, reason=answer.text)
        if answer.result is HubResult.REJECTED:
            return Settlement(FAILED, reason=answer.text)
        next_at = retry_queue.next_attempt(websub.PING_POLICY, item, now, answer.retry_after)
        if next_at is None:
            text = (
                f"given up after {websub.MAX_PING_ATTEMPTS} attempts; the last: {answer.text}"
            )
            return Settlement(FAILED, reason=text)
        return Settlement(retry_queue.DEFERRED, next_at, reason=answer.text)

    def effect(self, answer: HubResponse) -> Literal["answered", "silent", "stop"]:
        if answer.result is HubResult.UNREACHABLE:
            return "silent"
        return "stop" if answer.is_rate_limited else "answered"

    def put_back(self, items: Sequence[QueueItem], answer: HubResponse | None) -> None:
        # If the hub can't be reached, this counts as an attempt; if it limits the rate, it doesn't.
        if answer is None:
            super().put_back(items, answer)
        elif not answer.is_rate_limited:
            self.record(items, answer)
        else:
            until = self.now() + max(answer.retry_after, websub.PING_POLICY.delays[0])
            reason = f"put off: {answer.text}"
            with self.database.writing() as connection:
                for item in items:
                    retry_queue.release(connection, item, self.now(), until, reason)
                    self._keep(item, retry_queue.DEFERRED, reason)

    def note(
        self,
        connection: Connection,  # noqa: ARG002  # nothing is stored
        item: QueueItem,
        answer: HubResponse,
        settlement: Settlement,
    ) -> None:
        self._keep(item, settlement.state, settlement.reason or answer.text)

    def _keep(self, item: QueueItem, state: str, reason: str) -> None:
        outcome = state, websub.printable_address(item.target), reason
        self.outcomes.setdefault(outcome, []).append(websub.ping_topic(item))

    def log(self) -> None:
        """Log one line per hub and response, since a hub usually fails for all its topics."""
        for (state, hub, response), topics in self.outcomes.items():
            line = log.bind(hub=hub, response=response, topics=len(topics), first=topics[0])
            if state == _ACCEPTED:
                line.info("hub notified")
            elif state == FAILED:
                line.error("hub not notified; given up until the feed changes again")
            else:
                line.warning("hub not notified; will be retried")
