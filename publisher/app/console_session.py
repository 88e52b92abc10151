"""Who a request to the console comes from: the session of a cookie, and its account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from publisher.accounts.actor import Actor, account_actor
from publisher.accounts.sessions import read_console_session, touch_session
from publisher.accounts.store import account_by_id
from publisher.app.editing_state import EditingState
from publisher.errors import DatabaseError

log = structlog.get_logger()

# How much of a session's use may go unrecorded: pages are read, mostly, and reading writes nothing.
_TOUCH_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody whose sign-in is complete. `language` is that of his or her pages.

    `is_fresh` says whether a factor was shown just now, which some routes need.
    """

    actor: Actor
    name: str
    language: str
    session_id: str
    is_fresh: bool


def read_signed_in(state: EditingState, token: str, network: str) -> SignedIn | None:
    """Return who is signed in with a cookie's token; None if nobody is, or not completely."""
    now = state.clock.now()
    with state.database.reading() as connection:
        session = read_console_session(connection, token, now)
        number = session.signed_in_id if session else None
        account = account_by_id(connection, number) if number is not None else None
    if session is None or account is None:
        return None
    if now - session.seen_at > _TOUCH_AFTER:
        try:
            with state.database.writing() as connection:
                touch_session(connection, token, now)
        except DatabaseError as error:
            # The next request records it; this one may only read.
            log.warning("the use of a session could not be recorded", reason=str(error))
    return SignedIn(
        actor=account_actor(account, network),
        name=account.name,
        language=account.language,
        session_id=session.id,
        is_fresh=session.is_fresh(now),
    )


def is_signed_in(state: EditingState, token: str) -> bool:
    """Return whether a cookie's token is that of somebody who is signed in. Records nothing."""
    with state.database.reading() as connection:
        session = read_console_session(connection, token, state.clock.now())
    return session is not None and session.signed_in_id is not None
