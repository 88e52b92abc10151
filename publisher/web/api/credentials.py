"""Who sends a request: the owner of the key in `Authorization: Bearer pub_...`, and nobody else.

Cookies are not read, so that no page that a browser shows can use the API. Requests are limited by
key, and wrong keys by network.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import flask
import structlog

from publisher.app.console_keys import find_key_actor
from publisher.app.editing_state import Actor
from publisher.clock import uptime
from publisher.gcra import FULL, Pace
from publisher.web.api.context import ApiContext
from publisher.web.api.problems import ProblemError
from publisher.web.responses import client_network

log = structlog.get_logger()

# In the long run, and at once after a pause.
_BY_KEY = Pace(per_second=10, burst=100)
_WRONG_KEYS = Pace(per_second=0.5, burst=20)
# Buckets that are remembered; those that are full again are forgotten first.
_MOST_BUCKETS = 10_000


@dataclass(slots=True)
class RequestLimits:
    """How many requests each key, and each network with a wrong key, has sent of late.

    In memory, since one process serves the API: a new one begins with none.
    """

    _tats: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, who: str, pace: Pace) -> float:
        """Count a request. Return 0 if it is allowed, else the seconds until one will be."""
        now = uptime()
        with self._lock:
            tat = self._tats.get(who, FULL)
            if not pace.room(tat, now):
                return max(1.0, pace.opens_at(tat) - now)
            if len(self._tats) >= _MOST_BUCKETS:
                self._tats = {one: tat for one, tat in self._tats.items() if tat > now}
            self._tats[who] = pace.after(tat, now, 1)
            return 0


def find_sender(context: ApiContext, limits: RequestLimits) -> Actor:
    """Return who sent the request; raise ProblemError (401, 429) if no key that counts came with it."""
    network = client_network(flask.request)
    scheme, _space, key = flask.request.headers.get("Authorization", "").partition(" ")
    actor = None
    if scheme.lower() == "bearer":
        actor = find_key_actor(context.state(may_write=True), key.strip(), network)
    if actor is None or actor.key is None:
        _limit(limits, f"network {network}", _WRONG_KEYS)
        log.warning(
            "a request to the API was refused", reason="no key that counts", network=network
        )
        # No word about why: a key that was revoked looks like one that never was.
        raise ProblemError(
            401,
            "send a key of the API that counts: Authorization: Bearer pub_...",
            headers={"WWW-Authenticate": 'Bearer realm="publisher"'},
        )
    _limit(limits, f"key {actor.key.key.id}", _BY_KEY)
    return actor


def _limit(limits: RequestLimits, who: str, pace: Pace) -> None:
    wait = limits.count(who, pace)
    if wait:
        headers = {"Retry-After": str(int(wait + 1))}
        raise ProblemError(
            429, "too many requests; wait as long as Retry-After says", headers=headers
        )
