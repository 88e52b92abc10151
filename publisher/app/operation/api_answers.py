"""Carry out a request of the API once, however often it is sent with the same Idempotency-Key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, NamedTuple

from publisher.accounts import api_keys
from publisher.accounts.api_keys import RequestKey, StoredAnswer
from publisher.app.editing_state import Actor, Change, EditingState
from publisher.app.issues.lookup import require_issue
from publisher.errors import ApiRequestError

# After so long a request that has changed nothing was cut off, and may be carried out again.
_LONGEST_REQUEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedState(EditingState):
    """The state for a request on record, which each change marks, or about an issue that has to be as it was read."""

    request: RequestKey | None = None
    revision: IssueRevision | None = None

    @contextmanager
    def changing(
        self, actor: Actor, verb: str, what: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[Change]:
        """Open a transaction that writes, as `EditingState.changing`."""
        with EditingState.changing(self, actor, verb, what, details) as change:
            if self.revision is not None:
                name, number = self.revision
                if require_issue(change.connection, name).epoch != number:
                    raise ApiRequestError(f"{name}: was changed since; read it again", 412)
            yield change
            if self.request is not None:
                api_keys.mark_changed(change.connection, self.request, self.clock.now())


class IssueRevision(NamedTuple):
    """An issue as somebody has read it: its name, and a number that grows with each change of it."""

    name: str
    number: int


def request_key(actor: Actor, client_key: str) -> RequestKey:
    """Return the name of a request: only the key of the API that sent it has it."""
    assert actor.key is not None  # noqa: S101  # actors of the API have one
    return RequestKey(actor.key.key.id, client_key)


def guarded_state(
    state: EditingState,
    *,
    request: RequestKey | None = None,
    revision: IssueRevision | None = None,
) -> GuardedState:
    """Return the state for a request that `begin_request` has put on record, or about a revision."""
    given = {field.name: getattr(state, field.name) for field in fields(EditingState)}
    return GuardedState(**given, request=request, revision=revision)


def begin_request(
    state: EditingState, request: RequestKey, request_hash: str
) -> StoredAnswer | None:
    """Put a request on record, or return its answer. Raise ApiRequestError if that is not there yet, was lost, or is another request's."""
    now = state.clock.now()
    with state.database.writing() as connection:
        api_keys.forget_old_answers(connection, now)
        found = api_keys.load_answer(connection, request)
        if found is not None and found.request_hash != request_hash:
            raise ApiRequestError("this Idempotency-Key was used for another request", 422)
        if found is not None and found.status is not None:
            return found
        if found is not None and found.changed_at is not None:
            raise ApiRequestError(
                "the request was carried out, and its answer was lost; read what there is now",
                409,
            )
        if found is not None and now - found.begun_at < _LONGEST_REQUEST:
            raise ApiRequestError("the same request is being carried out; try again soon", 409)
        api_keys.insert_api_request(connection, request, request_hash, now)
    return None


def finish_request(
    state: EditingState, request: RequestKey, status: int, body: str, etag: str | None
) -> None:
    """Store the answer to a request. After a failure of ours it may be carried out again."""
    with state.database.writing() as connection:
        if status < 500:  # noqa: PLR2004  # HTTP
            api_keys.store_answer(connection, request, status, body, etag)
            return
        found = api_keys.load_answer(connection, request)
        if found is not None and found.changed_at is None:
            api_keys.forget_api_request(connection, request)
