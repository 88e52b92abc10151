"""Sessions of whoever is signed in to the console: listed, ended, and what the audit log has of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from publisher.accounts import audit, sessions
from publisher.accounts.passkeys import RelyingParty
from publisher.accounts.sessions import Browser, ConsoleSession
from publisher.accounts.store import account_by_id
from publisher.errors import AccountError
from publisher.messages import message

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.accounts.actor import Actor
    from publisher.accounts.model import Account
    from publisher.app.editing_state import EditingState
    from publisher.config import Settings

__all__ = ["Browser", "ConsoleSession"]

_NOBODY = "nobody"


def relying_party(settings: Settings) -> RelyingParty:
    """Return the console as passkeys know it: by host name and origin."""
    publication, console = settings.publication, settings.console
    title = publication.title(publication.default_language)
    return RelyingParty(console.name, title, console.url)


def session_owner(
    connection: Connection, token: str, now: datetime
) -> tuple[ConsoleSession, Account] | None:
    """Return the session of a token and its account, if the sign-in is complete."""
    session = sessions.read_console_session(connection, token, now)
    if session is None or session.signed_in_id is None:
        return None
    return session, account_by_id(connection, session.signed_in_id)


def sign_out(state: EditingState, token: str, network: str) -> None:
    """End the session of a cookie. Without one, change nothing."""
    with state.database.writing() as connection:
        found = session_owner(connection, token, state.clock.now())
        sessions.end_console_session(connection, token)
        if found is not None:
            record_access(state, connection, found[1].email, "sign-out", network)


def list_own_sessions(state: EditingState, actor: Actor) -> list[ConsoleSession]:
    """Return the sessions of whoever is signed in, the latest first."""
    with state.database.reading() as connection:
        return sessions.list_sessions(connection, _account_id(actor), state.clock.now())


def end_own_session(state: EditingState, actor: Actor, session_id: str) -> None:
    """End one of one's own sessions. Raise AccountError if there is no such one."""
    with state.changing(actor, "end-session", actor.name, {"session": session_id}) as change:
        number = _account_id(actor)
        if not sessions.end_listed_session(change.connection, number, session_id):
            raise AccountError(message("there is no such session; it has ended already"))


def record_access(
    state: EditingState,
    connection: Connection,
    email: str | None,
    verb: str,
    network: str,
    **details: Any,
) -> None:
    """Append to the audit log what somebody did with a session or a factor; None is nobody known."""
    name = email or _NOBODY
    entry = audit.AuditEntry(
        at=state.clock.now(),
        actor=name,
        verb=verb,
        object=name,
        details={**details, "via": "console"},
        network=network,
    )
    audit.record(connection, state.secret, entry)


def _account_id(actor: Actor) -> int:
    if actor.account_id is None:
        raise AccountError(message("%(name)s: has no account, so no session", name=actor.name))
    return actor.account_id
