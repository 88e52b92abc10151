"""Pushes of WebSub: hubs are asked for them, and what hubs say is checked. A push has its feed asked at once."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from sqlalchemy import Connection

from publisher.config import Settings
from publisher.config.sources import FeedSourceSettings, PolledSourceSettings
from publisher.database import Database
from publisher.fetching.addresses import WebRequest
from publisher.fetching.client import GuardedClient
from publisher.fetching.limits import FetchError, FetchLimits
from publisher.log import log
from publisher.polling import push as hubs
from publisher.polling import store
from publisher.polling.push import HubMode, PushState
from publisher.polling.schedule import PollResult
from publisher.polling.store import PolledSource
from publisher.secrets import load_secret
from publisher.urls import public_url

# Bytes of a push that are read, as of other webhooks. What is longer is refused, and a poll brings it.
MAX_PUSH = 1_000_000
# Seconds for one hub, and after which no further one is asked in one run.
_SECONDS, _SECONDS_OF_ALL = 10.0, 60.0
_SUCCESS = range(200, 300)
_ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})


def ask_hubs(
    settings: Settings,
    database: Database,
    now: datetime,
    client: GuardedClient,
    user_agent: str,
) -> None:
    """Ask hubs for pushes of the sources that want them, and to end those that no source wants."""
    ends = time.monotonic() + _SECONDS_OF_ALL
    for one, mode in _due(settings, database, now):
        if time.monotonic() > ends:
            return
        before = one.state.push
        asked = hubs.before_request(before, mode, now)
        _store(database, one.name, asked)
        sent = asked if mode is HubMode.SUBSCRIBE else before
        request = _request(settings, one.name, sent, mode, user_agent)
        problem = _ask(_client_of(settings, one.name, client), request)
        if problem and mode is HubMode.SUBSCRIBE:
            log.warning("hub not asked", source=one.name, reason=problem)
            _store(database, one.name, replace(asked, reason=problem), only_after=asked)


def _due(
    settings: Settings, database: Database, now: datetime
) -> Iterator[tuple[PolledSource, HubMode]]:
    wanted = {
        one.name
        for one in settings.sources
        if isinstance(one, FeedSourceSettings) and one.websub
    }
    with database.reading() as connection:
        stored = store.list_polled(connection)
    for name, one in stored.items():
        is_wanted = name in wanted and one.is_asked
        if mode := hubs.next_request(one.state.push, now, is_wanted=is_wanted):
            yield one, mode


def _store(
    database: Database, name: str, push: PushState, only_after: PushState | None = None
) -> None:
    with database.writing() as connection:
        one = store.list_polled(connection).get(name)
        # The hub may have asked for a confirmation meanwhile.
        if one is not None and only_after in {None, one.state.push}:
            store.save_polled(connection, [replace(one, state=replace(one.state, push=push))])


def _client_of(settings: Settings, name: str, client: GuardedClient) -> GuardedClient:
    named = (
        net
        for one in settings.sources
        if isinstance(one, PolledSourceSettings) and one.name == name
        for net in one.networks
    )
    networks = (*client.networks, *named)
    return replace(client, limits=FetchLimits(seconds=_SECONDS), networks=networks)


def _request(
    settings: Settings, name: str, push: PushState, mode: HubMode, user_agent: str
) -> WebRequest:
    secret = load_secret(settings)
    path = f"feedback/websub/{callback_token(secret, name)}/"
    callback = public_url(settings.publication, path)
    form = hubs.request_fields(push, mode, callback, hub_secret(secret, name))
    fields = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": user_agent}
    body = urlencode(form).encode()
    return WebRequest(push.asked_hub, "POST", fields, body, follow="same host")


def _ask(client: GuardedClient, request: WebRequest) -> str:
    """Send a request to a hub; return why it was not accepted, empty if it was."""
    try:
        with client.open(request) as answer:
            is_done = answer.status in _SUCCESS
            return "" if is_done else f"answered {answer.status}"
    except FetchError as error:
        return f"can't be asked: {error}"


def confirm_push(
    connection: Connection, source: str, question: Mapping[str, str], now: datetime
) -> bool:
    """Store what a hub says of a request, and return whether that was made: then its question is answered."""
    one = store.list_polled(connection).get(source)
    # What is not stored any more ends.
    before = one.state.push if one else PushState()
    after = hubs.confirmed(before, question, now)
    if one is not None and after not in {None, before}:
        assert after is not None  # noqa: S101  # what was compared
        store.save_polled(connection, [replace(one, state=replace(one.state, push=after))])
    return after is not None


def due_push(connection: Connection, source: str, now: datetime) -> datetime | None:
    """Return when a push has a source asked; None if nothing follows: it failed, or its turn comes anyway."""
    one = store.list_polled(connection).get(source)
    if one is None or not one.is_asked or one.has_failed or one.result == PollResult.WAIT:
        return None
    return hubs.due_after_push(one.state.push, one.next_at, now)


def note_push(connection: Connection, source: str, now: datetime) -> None:
    """Let a source be asked at once, or a minute after the push before."""
    due = due_push(connection, source, now)
    if due is not None:
        one = store.list_polled(connection)[source]
        push = replace(one.state.push, pushed_at=due)
        store.save_polled(
            connection, [replace(one, state=replace(one.state, next_at=due, push=push))]
        )


# The address that a hub calls, and the key of its signatures. Both follow from the publication's secret.


def callback_token(secret: str, source: str) -> str:
    """Return what nobody can guess, and names a source."""
    name = base64.urlsafe_b64encode(source.encode()).decode().rstrip("=")
    return f"{name}.{_keyed(secret, 'callback', source)}"


def source_of_token(secret: str, token: str) -> str | None:
    """Return the source that a token names; None for one that was not made here."""
    try:
        padded = token.partition(".")[0] + "==="
        source = base64.urlsafe_b64decode(padded[: len(padded) // 4 * 4]).decode()
    except ValueError:
        return None
    is_ours = hmac.compare_digest(callback_token(secret, source).encode(), token.encode())
    return source if is_ours else None


def hub_secret(secret: str, source: str) -> str:
    return _keyed(secret, "signature", source)


def is_signed(secret: str, source: str, signature: str, body: bytes) -> bool:
    """Return whether a push has the signature of the source's hub (section 7)."""
    name, _, digest = signature.strip().partition("=")
    if name.lower() not in _ALGORITHMS:
        return False
    expected = hmac.digest(hub_secret(secret, source).encode(), body, name.lower()).hex()
    return hmac.compare_digest(expected.encode(), digest.lower().encode())


def _keyed(secret: str, purpose: str, source: str) -> str:
    text = f"websub {purpose}\n{source}"
    return hmac.digest(secret.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()
