"""Notify WebSub hubs of changed feeds: send the pings that are due, and classify the responses.

W3C WebSub and PubSubHubbub 0.4 do not define how. Hubs such as Google's and Superfeedr accept the form of
PubSubHubbub 0.3 ("New Content Notification"): a POST of `hub.mode=publish` and `hub.url`. Switchboard documents
`hub.topic` instead. Both are sent; a hub ignores the one that it does not use.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from http.client import responses
from typing import Literal
from urllib.parse import urlencode

from sqlalchemy import Connection, delete, select

from publisher.database import Database, retry_queue
from publisher.database.retry_queue import FAILED, QueueItem, Settlement, queue_item
from publisher.fetching.addresses import WebRequest, networks_named_by
from publisher.fetching.client import GuardedClient, WebResponse
from publisher.fetching.header_times import asked_delay
from publisher.fetching.limits import FetchError, FetchLimits
from publisher.log import log
from publisher.syndication import websub
from publisher.syndication.indexnow import explain_refusal
from publisher.webhooks.targets import TargetRun

MAX_CONCURRENT_PINGS = 8  # requests at the same time, to all hubs together
MAX_HUB_FAILURES = 2  # connection errors of a hub in one run
TOTAL_SECONDS = 20.0  # for all pings of one run, since the cycle has other work to do
# In seconds, for one ping with its redirect. Some hubs fetch the feed before they respond.
PING_TIMEOUT = 8.0
TOPICS_PER_HUB = 200  # in one run
_ACCEPTED = "accepted"

_SUCCESS, _SERVER_ERROR = range(200, 300), 500
_TOO_MANY, _UNAVAILABLE = 429, 503
_TEMPORARY = frozenset({408, 425, _TOO_MANY})  # Request Timeout, Too Early, Too Many Requests
_MAX_RETRY_AFTER = timedelta(days=1)  # the longest delay that a hub can ask for
_MAX_BODY = 1024  # bytes of a response's body that are read


class HubResult(Enum):
    """The result of a ping."""

    ACCEPTED = auto()
    REJECTED = auto()
    BUSY = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True, slots=True)
class HubResponse:
    """The response to one ping, with a text for people. If `is_rate_limited`, the hub wants fewer pings of any topic."""

    result: HubResult
    text: str
    retry_after: timedelta = timedelta(0)
    is_rate_limited: bool = False


def ping_hub(
    hub: str, topic: str, timeout: float, now: datetime, document: object = None
) -> HubResponse:
    """Notify a hub of a topic, or send a `document` as JSON; errors become a response.

    One redirect to the hub's own host is followed. What the settings name may be reached, also an IP address of this
    network.
    """
    try:
        client = GuardedClient(FetchLimits(timeout), networks_named_by(hub))
        with client.open(_request(hub, topic, document)) as response:
            return _classify(response, hub, now)
    except FetchError as error:
        return HubResponse(HubResult.UNREACHABLE, str(error))


def _request(hub: str, topic: str, document: object) -> WebRequest:
    if document is not None:
        media_type, body = "application/json; charset=utf-8", json.dumps(document)
    else:
        form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
        media_type, body = "application/x-www-form-urlencoded", urlencode(form)
    fields = {"Content-Type": media_type}
    return WebRequest(hub, "POST", fields, body.encode(), follow="same host")


def _error_text(response: WebResponse) -> str:
    media_type = response.headers.get("Content-Type", "text/plain").partition(";")[0]
    if media_type.strip().lower() != "text/plain":
        return ""
    text = b""
    # The status counts, even if the body can't be read.
    with suppress(FetchError):
        text = response.read_start(_MAX_BODY)
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return websub.printable_answer(lines[0]) if lines else ""


def _classify(response: WebResponse, hub: str, now: datetime) -> HubResponse:
    status, headers = response.status, response.headers
    text = f"{status} {responses.get(status, '')}".strip()
    if status in _SUCCESS:
        return HubResponse(HubResult.ACCEPTED, text)
    # A hub may repeat its address in the error, so the error is kept only if that has no secret.
    if "?" not in hub and (line := _error_text(response)):
        text += f": {line}"
    if status in {_TOO_MANY, _UNAVAILABLE}:
        asked = asked_delay(headers.get("Retry-After", ""), now, _MAX_RETRY_AFTER)
        delay = asked or timedelta(0)
        is_rate_limited = status == _TOO_MANY or delay > timedelta(0)
        return HubResponse(HubResult.BUSY, text, delay, is_rate_limited)
    if status >= _SERVER_ERROR or status in _TEMPORARY:
        return HubResponse(HubResult.BUSY, text)
    if location := headers.get("Location"):
        text += f"; the hub is now at {websub.printable_address(location)}"
    return HubResponse(HubResult.REJECTED, text)


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
    """Send due pings, at most `limit` topics per hub, within `total` seconds. Pings to hubs that are not in `hubs` are deleted."""
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
    outcomes: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    threads = width = MAX_CONCURRENT_PINGS  # a small hub might take more for an attack
    # The other topics of a hub that can't be reached wait for a later run.
    probes = MAX_HUB_FAILURES

    def send(self, item: QueueItem) -> HubResponse:
        document = item.payload.get("document")
        answer = ping_hub(
            item.target, websub.ping_topic(item), self.timeout, self.now(), document
        )
        if document and answer.result is HubResult.REJECTED:
            return replace(answer, text=explain_refusal(answer.text, document))
        return answer

    def answer_of_fault(self, item: QueueItem, why: str) -> HubResponse:  # noqa: ARG002  # it is logged
        return HubResponse(HubResult.UNREACHABLE, why)

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
        for (state, hub, response), topics in self.outcomes.items():
            line = log.bind(hub=hub, response=response, topics=len(topics), first=topics[0])
            if state == _ACCEPTED:
                line.info("hub notified")
            elif state == FAILED:
                line.error("hub not notified; given up until the feed changes again")
            else:
                line.warning("hub not notified; will be retried")
