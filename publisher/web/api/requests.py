"""What a request is to an operation: who sends it, what it asks for, and the state.

It comes from the owner of the key in `Authorization: Bearer pub_...`, and from nobody else. Cookies are not
read, so that no page that a browser shows can use the API. Requests are limited by key, and wrong keys by
network. Query and JSON body are checked by the operation's model. What a parser would accept in two ways is
refused: keys that come twice, keys that nobody knows, a body where none belongs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import flask
from pydantic import BaseModel, ValidationError

from publisher.app.accounts.keys import find_key_actor
from publisher.app.editing_state import Actor, EditingState, Permission
from publisher.app.operation.page_servers import ConsoleState
from publisher.clock import Clock, uptime
from publisher.config import Settings
from publisher.errors import ApiRequestError, ForbiddenError
from publisher.log import log
from publisher.request_limits import FULL, Pace
from publisher.web.api.operations import Operation
from publisher.web.api.problems import ProblemError
from publisher.web.security import add_headers, client_network, console_headers, is_for_us


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiContext:
    """What all requests share. `hosts` are further names of this server."""

    current_settings: Callable[[], Settings]
    opened: ConsoleState
    clock: Clock
    hosts: frozenset[str] = frozenset()

    def state(self, settings: Settings | None = None, *, may_write: bool) -> EditingState:
        return EditingState(
            settings=settings or self.current_settings(),
            database=self.opened.writing if may_write else self.opened.reading,
            secret=self.opened.secret,
            clock=self.clock,
        )

    def require_own_host(self) -> None:
        """Raise ProblemError (421) unless the request names a host of this server."""
        if not self.is_asked():
            raise ProblemError(421, "this server is not the one that the address names")

    def is_asked(self) -> bool:
        return is_for_us(self.current_settings().console.url, self.hosts)

    def protected(self, response: flask.Response) -> flask.Response:
        return add_headers(response, console_headers(self.current_settings().console.url))


_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """A request of somebody, and the state that it may read or change."""

    state: EditingState

    if TYPE_CHECKING:

        @property
        def actor(self) -> Actor:
            """Who has sent it."""

    def call(
        self,
        use_case: Callable[Concatenate[EditingState, Actor, _P], _R],
        *args: _P.args,
        **named: _P.kwargs,
    ) -> _R:
        """Do something for whoever has sent the request, who may have to be permitted it."""
        return use_case(self.state, self.actor, *args, **named)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest(SentRequest):
    """A request that was let in and checked; `revision` is of the file that the client has read, if it names one."""

    actor: Actor
    query: Any
    body: Any
    # The `ConsoleState`. None for the `--json` of a command, which only reads rows.
    opened: Any = None
    revision: str | None = None

    def require_revision(self, now: str) -> None:
        """Raise ApiRequestError (412) if a file is not as the client has read it."""
        if self.revision != now:
            raise ApiRequestError("somebody has changed the file meanwhile; read it again", 412)

    def permitted(self, permission: Permission, languages: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            language for language in languages if self.actor.permits(permission, language)
        )

    def languages(self, permission: Permission, wanted: str | None) -> tuple[str, ...]:
        """Return the language asked for, or all that the key permits. Raise ForbiddenError if that is none."""
        published = self.state.settings.publication.languages
        found = self.permitted(permission, published if wanted is None else (wanted,))
        if not found:
            raise ForbiddenError(self.actor.name, permission, wanted)
        return found


# In the long run, and at once after a pause.
_BY_KEY = Pace(per_second=10, burst=100)
_WRONG_KEYS = Pace(per_second=0.5, burst=20)
# Buckets that are remembered; those that are full again are forgotten first.
_MOST_BUCKETS = 10_000


@dataclass(slots=True)
class RequestLimits:
    """How many requests each key, and each network with a wrong key, has sent of late. In memory: one process serves the API."""

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
                self._tats = {sender: tat for sender, tat in self._tats.items() if tat > now}
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


_JSON = "application/json"
_MOST_ERRORS = 20  # of errors that are listed


def read_query(model: type[BaseModel]) -> BaseModel:
    """Return the parameters of the address; raise ProblemError (422) for wrong ones."""
    given = flask.request.args
    for name, values in given.lists():
        if len(values) > 1:
            raise _wrong([{"parameter": name, "detail": "is given more than once"}])
    try:
        return model.model_validate(given.to_dict())
    except ValidationError as error:
        found = [
            {"parameter": ".".join(map(str, place)), "detail": text}
            for place, text in _errors(error)
        ]
        raise _wrong(found) from None


def read_body(operation: Operation) -> BaseModel:
    """Return the body; raise ProblemError (400, 415, 422) for a wrong one."""
    content = flask.request.get_data()
    if not operation.takes_body:
        if content:
            raise ProblemError(400, "this operation takes no body")
        return operation.body()
    if flask.request.mimetype != _JSON:
        raise ProblemError(415, f"the body has to be {_JSON}", headers={"Accept": _JSON})
    value = _parsed(content)
    try:
        # In the mode for JSON, which is stricter than that for Python's values; parsed twice, since
        # that one takes keys that come twice.
        return operation.body.model_validate_json(json.dumps(value))
    except ValidationError as error:
        found = [{"pointer": _pointer(place), "detail": text} for place, text in _errors(error)]
        raise _wrong(found) from None


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise ProblemError(
            400, "the body is not JSON in UTF-8, or has a key more than once"
        ) from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key comes twice")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _errors(error: ValidationError) -> list[tuple[tuple[int | str, ...], str]]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [(one["loc"], one["msg"]) for one in found[:_MOST_ERRORS]]


def _pointer(place: tuple[int | str, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(one).replace('~', '~0').replace('/', '~1')}" for one in place)


def _wrong(errors: Sequence[dict[str, str]]) -> ProblemError:
    where = errors[0].get("parameter") or errors[0].get("pointer") or "the body"
    return ProblemError(422, f"{where}: {errors[0]['detail']}", errors)
