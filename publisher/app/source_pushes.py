"""Pushes of WebSub: hubs are asked for them, and what hubs say is checked. A push has its feed asked at once."""

import hmac
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any
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
    settings: Settings, database: Database, now: datetime, client: GuardedClient, agent: str
) -> None:
    """Ask hubs for pushes of the sources that want them, and to end those that no source wants. `agent` says who asks."""
    ends = time.monotonic() + _SECONDS_OF_ALL
    options = {o.name: o for o in settings.sources if isinstance(o, PolledSourceSettings)}
    with database.reading() as connection:
        stored = store.list_polled(connection)
    for name, one in stored.items():
        own = options.get(name)
        is_wanted = isinstance(own, FeedSourceSettings) and own.websub and one.is_asked
        before = one.state.push
        mode = hubs.next_request(before, now, is_wanted=is_wanted)
        if mode is None or time.monotonic() > ends:
            continue
        asked = hubs.before_request(before, mode, now)
        _store(database, name, asked)
        request = _request(
            settings, name, asked if mode == "subscribe" else before, mode, agent
        )
        networks = (*client.networks, *(own.networks if own else ()))
        problem = _ask(replace(client, networks=networks), request)
        if problem and mode == "subscribe":
            log.warning("hub not asked", source=name, reason=problem)
            _store(database, name, replace(asked, reason=problem), only_after=asked)


def _store(
    database: Database, name: str, push: PushState, only_after: PushState | None = None
) -> None:
    with database.writing() as connection:
        one = store.list_polled(connection).get(name)
        # The hub may have asked for a confirmation meanwhile.
        if one is not None and only_after in {None, one.state.push}:
            _save(connection, one, push=push)


def _save(connection: Connection, one: PolledSource, **state: Any) -> None:
    store.save_polled(connection, [replace(one, state=replace(one.state, **state))])


def _request(
    settings: Settings, name: str, push: PushState, mode: HubMode, agent: str
) -> WebRequest:
    secret = load_secret(settings)
    path = f"feedback/websub/{callback_token(secret, name)}/"
    callback = public_url(settings.publication, path)
    form = hubs.request_fields(push, callback, hub_secret(secret, name)) | {"hub.mode": mode}
    fields = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": agent}
    body = urlencode(form).encode()
    return WebRequest(push.asked_hub, "POST", fields, body, follow="same host")


def _ask(client: GuardedClient, request: WebRequest) -> str:
    """Send a request to a hub; return why it was not accepted, empty if it was."""
    try:
        with replace(client, limits=FetchLimits(seconds=_SECONDS)).open(request) as answer:
            return "" if answer.status in _SUCCESS else f"answered {answer.status}"
    except FetchError as error:
        return f"can't be asked: {error}"


def confirm_push(
    connection: Connection, source: str, question: Mapping[str, str], now: datetime
) -> bool:
    """Store what a hub says of a request, and return whether that was made: then its question is answered."""
    one = store.list_polled(connection).get(source)
    # What is not stored any more ends.
    after = hubs.confirmed(one.state.push if one else PushState(), question, now)
    if one and after:
        _save(connection, one, push=after)
    return after is not None


def note_push(connection: Connection, source: str, now: datetime) -> None:
    """Let a source be asked at once, or a minute after the push before; one that fails or has to wait keeps its time."""
    one = store.list_polled(connection).get(source)
    if one is None or not one.is_asked or one.has_failed or one.result == PollResult.WAIT:
        return
    push = one.state.push
    due = hubs.due_after_push(push, one.next_at, now)
    # What is due may have been asked just before the change: then the poll that ends sees that a push came.
    if due or one.next_at <= now:
        pushed = replace(push, pushed_at=due or now)
        _save(connection, one, next_at=due or one.next_at, push=pushed)


# The address that a hub calls, and the key of its signatures. Both follow from the publication's secret.


def callback_token(secret: str, source: str) -> str:
    """Return what nobody can guess, and names a source."""
    return f"{source.encode().hex()}.{_keyed(secret, 'callback', source)}"


def source_of_token(secret: str, token: str) -> str | None:
    """Return the source that a token names; None for one that was not made here."""
    with suppress(ValueError):
        source = bytes.fromhex(token.partition(".")[0]).decode()
        known = callback_token(secret, source)
        return source if hmac.compare_digest(known.encode(), token.encode()) else None
    return None


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
    return hmac.digest(secret.encode(), f"websub {purpose}\n{source}".encode(), "sha256").hex()
