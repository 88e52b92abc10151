"""Keys of the API and sessions of the console. Everybody manages his or her own; administrators see and revoke all."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from publisher.accounts import api_keys, model, sessions, store
from publisher.accounts.api_keys import KeyRequest
from publisher.accounts.passkeys import RelyingParty
from publisher.accounts.sessions import ConsoleSession
from publisher.accounts.store import account_by_id, require_account
from publisher.app.editing_state import EditingState
from publisher.config import Settings
from publisher.errors import AccountError, ForbiddenError

# The last use of a key is stored to the minute, so that not each request writes.
_USE_RECORDED = timedelta(minutes=1)


def parse_scopes(written: Iterable[str]) -> frozenset[model.Permission]:
    """Return permissions by their names; raise AccountError for one that there is not."""
    names = [one.strip() for one in written]
    if unknown := sorted({*names} - {*model.Permission}):
        known = ", ".join(sorted({*model.Permission} - model.NOT_BY_KEY))
        raise AccountError.saying(
            "%(name)s: is no scope; there are %(known)s", name=repr(unknown[0]), known=known
        )
    return frozenset(model.Permission(one) for one in names)


def key_scopes(actor: model.Actor) -> list[model.Permission]:
    languages = {None, *(one.language for one in actor.grants)}
    return [
        scope
        for scope in model.Permission
        if scope not in model.NOT_BY_KEY
        and any(model.permits(actor.grants, scope, one) for one in languages)
    ]


def create_key(state: EditingState, actor: model.Actor, email: str, wanted: KeyRequest) -> str:
    """Add a key to the actor's own account, or at the terminal to any. Return it; it is shown once."""
    named = {"label": wanted.label, "scopes": sorted(wanted.scopes)}
    with state.changing(actor, "add-key", email.strip().lower(), named) as change:
        account = require_account(change.connection, email)
        _require_owner(actor, account)
        _require_scopes(account, wanted)
        key = api_keys.add_api_key(change.connection, account.id, wanted, state.clock.now())
        change.details["languages"] = list(wanted.languages or ()) or "all"
        return key


def _require_owner(actor: model.Actor, account: model.Account) -> None:
    """Refuse to make keys with a key, and to make them for somebody else than oneself."""
    is_terminal = actor.account_id is None
    if actor.key is not None or not (is_terminal or actor.account_id == account.id):
        raise ForbiddenError(actor.name, f"a key of {account.email}", None)


def _require_scopes(account: model.Account, wanted: KeyRequest) -> None:
    """Refuse scopes that the account does not have in any of the key's languages."""
    languages = {one.language for one in account.grants} | {None, *(wanted.languages or ())}
    for scope in sorted(wanted.scopes):
        if not any(model.permits(account.grants, scope, one) for one in languages):
            raise AccountError.saying(
                "%(email)s: has no role that permits %(scope)s",
                email=account.email,
                scope=scope,
            )


def list_keys(state: EditingState, actor: model.Actor) -> list[tuple[str, model.ApiKey]]:
    """Return keys with the addresses of their owners: the actor's, or all for administrators."""
    with state.database.reading() as connection:
        owners = {
            one.id: one.email
            for one in store.list_accounts(connection)
            if one.id == actor.account_id or actor.permits(model.Permission.MANAGE_ACCOUNTS)
        }
        keys = api_keys.list_api_keys(connection, owners)
    return [(owners[one.account_id], one) for one in keys]


def revoke_key(state: EditingState, actor: model.Actor, number: int) -> None:
    """End a key at once. Raise AccountError if there is none of the actor's that counts."""
    known = {key.id: owner for owner, key in list_keys(state, actor)}
    if number not in known:
        raise AccountError.saying("key %(number)s: there is none", number=number)
    with state.changing(actor, "revoke-key", known[number], {"key": number}) as change:
        if not api_keys.revoke_api_key(change.connection, number, state.clock.now()):
            raise AccountError.saying("key %(number)s: was revoked before", number=number)


def find_key_actor(state: EditingState, written: str, network: str) -> model.Actor | None:
    """Return who uses a key, and record that; None if it does not count."""
    now = state.clock.now()
    with state.database.reading() as connection:
        holder = api_keys.read_api_key(connection, written, now)
    if holder is None:
        return None
    if holder.key.used_at is None or now - holder.key.used_at >= _USE_RECORDED:
        with state.database.writing() as connection:
            api_keys.record_key_use(connection, holder.key.id, now)
    return model.key_actor(holder, network)


def has_sender(state: EditingState, token: str, key: str) -> bool:
    """Return whether a session's token or a key of the API counts now. Nothing is recorded."""
    now = state.clock.now()
    with state.database.reading() as connection:
        session = sessions.read_console_session(connection, token, now) if token else None
        if session is not None and session.signed_in_id is not None:
            return True
        return bool(key) and api_keys.read_api_key(connection, key, now) is not None


_NOBODY = "nobody"


def relying_party(settings: Settings) -> RelyingParty:
    """Return the console as passkeys know it: by host name and origin."""
    publication, console = settings.publication, settings.console
    title = publication.title(publication.default_language)
    return RelyingParty(console.name, title, console.url)


def session_owner(
    connection: Connection, token: str, now: datetime
) -> tuple[ConsoleSession, model.Account] | None:
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


def list_own_sessions(state: EditingState, actor: model.Actor) -> list[ConsoleSession]:
    with state.database.reading() as connection:
        return sessions.list_sessions(connection, _account_id(actor), state.clock.now())


def end_own_session(state: EditingState, actor: model.Actor, session_id: str) -> None:
    """End one of one's own sessions. Raise AccountError if there is no such one."""
    with state.changing(actor, "end-session", actor.name, {"session": session_id}) as change:
        number = _account_id(actor)
        if not sessions.end_listed_session(change.connection, number, session_id):
            raise AccountError.saying("there is no such session; it has ended already")


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
    by = model.Actor(name=name, via="console", network=network)
    state.record(connection, by, verb, name, details)


def _account_id(actor: model.Actor) -> int:
    if actor.account_id is None:
        raise AccountError.saying("%(name)s: has no account, so no session", name=actor.name)
    return actor.account_id
