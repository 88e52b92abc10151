"""Keys of the API: everybody makes and revokes his or her own; administrators see and revoke all."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from publisher.accounts import api_keys, store
from publisher.accounts.actor import Actor, key_actor
from publisher.accounts.api_keys import ApiKey, KeyRequest
from publisher.accounts.model import NOT_BY_KEY, Permission, permits
from publisher.accounts.store import require_account
from publisher.errors import AccountError, ForbiddenError
from publisher.messages import message

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.accounts.model import Account
    from publisher.app.editing_state import EditingState

__all__ = ["ApiKey", "KeyRequest"]

# The last use of a key is stored to the minute, so that not each request writes.
_USE_RECORDED = timedelta(minutes=1)


def parse_scopes(written: Iterable[str]) -> frozenset[Permission]:
    """Return permissions by their names; raise AccountError for one that there is not."""
    names = [one.strip() for one in written]
    if unknown := sorted({*names} - {*Permission}):
        known = ", ".join(sorted({*Permission} - NOT_BY_KEY))
        raise AccountError(
            message(
                "%(name)s: is no scope; there are %(known)s", name=repr(unknown[0]), known=known
            )
        )
    return frozenset(Permission(one) for one in names)


def key_scopes(actor: Actor) -> list[Permission]:
    """Return what a key of somebody may permit."""
    languages = {None, *(one.language for one in actor.grants)}
    return [
        scope
        for scope in Permission
        if scope not in NOT_BY_KEY
        and any(permits(actor.grants, scope, one) for one in languages)
    ]


def create_key(state: EditingState, actor: Actor, email: str, wanted: KeyRequest) -> str:
    """Add a key to the actor's own account, or at the terminal to any. Return it; it is shown once."""
    named = {"label": wanted.label, "scopes": sorted(wanted.scopes)}
    with state.changing(actor, "add-key", email.strip().lower(), named) as change:
        account = require_account(change.connection, email)
        _require_owner(actor, account)
        _require_scopes(account, wanted)
        key = api_keys.add_api_key(change.connection, account.id, wanted, state.clock.now())
        change.details["languages"] = list(wanted.languages or ()) or "all"
        return key


def _require_owner(actor: Actor, account: Account) -> None:
    """Refuse to make keys with a key, and to make them for somebody else than oneself."""
    is_terminal = actor.account_id is None
    if actor.key is not None or not (is_terminal or actor.account_id == account.id):
        raise ForbiddenError(actor.name, f"a key of {account.email}", None)


def _require_scopes(account: Account, wanted: KeyRequest) -> None:
    """Refuse scopes that the account does not have in any of the key's languages."""
    languages = {one.language for one in account.grants} | {None, *(wanted.languages or ())}
    for scope in sorted(wanted.scopes):
        if not any(permits(account.grants, scope, one) for one in languages):
            raise AccountError(
                message(
                    "%(email)s: has no role that permits %(scope)s",
                    email=account.email,
                    scope=scope,
                )
            )


def list_keys(state: EditingState, actor: Actor) -> list[tuple[str, ApiKey]]:
    """Return keys with the addresses of their owners: the actor's, or all for administrators."""
    with state.database.reading() as connection:
        owners = {
            one.id: one.email
            for one in store.list_accounts(connection)
            if one.id == actor.account_id or actor.permits(Permission.MANAGE_ACCOUNTS)
        }
        keys = api_keys.list_api_keys(connection, owners)
    return [(owners[one.account_id], one) for one in keys]


def revoke_key(state: EditingState, actor: Actor, number: int) -> None:
    """End a key at once. Raise AccountError if there is none of the actor's that counts."""
    known = {key.id: owner for owner, key in list_keys(state, actor)}
    if number not in known:
        raise AccountError(message("key %(number)s: there is none", number=number))
    with state.changing(actor, "revoke-key", known[number], {"key": number}) as change:
        if not api_keys.revoke_api_key(change.connection, number, state.clock.now()):
            raise AccountError(message("key %(number)s: was revoked before", number=number))


def find_key_actor(state: EditingState, written: str, network: str) -> Actor | None:
    """Return who uses a key, and record that; None if it does not count."""
    now = state.clock.now()
    with state.database.reading() as connection:
        holder = api_keys.read_api_key(connection, written, now)
    if holder is None:
        return None
    if holder.key.used_at is None or now - holder.key.used_at >= _USE_RECORDED:
        with state.database.writing() as connection:
            api_keys.record_key_use(connection, holder.key.id, now)
    return key_actor(holder, network)
