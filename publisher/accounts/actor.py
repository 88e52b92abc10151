"""Who acts in the console or elsewhere: somebody signed in, a key of the API, or the terminal. Pure.

Every verb of editors takes an actor, asks it for a permission, and names it in the audit log.
"""

from dataclasses import dataclass
from typing import Any

from publisher.accounts.api_keys import KeyHolder
from publisher.accounts.model import Account, Grant, Permission, Role, permits
from publisher.errors import ForbiddenError

# Whoever has the terminal has the database and the secret, too.
_TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts. `name` is the account's address, or "terminal"; `network` is shortened.

    `via` is how an account acts: "console", "api" or "terminal". With a `key`, only what it allows
    is permitted.
    """

    name: str
    via: str
    account_id: int | None = None
    grants: tuple[Grant, ...] = ()
    key: KeyHolder | None = None
    network: str = ""

    def permits(self, permission: Permission, language: str | None = None) -> bool:
        """Return whether the actor has a permission, for a language if it is about one."""
        if self.key is not None:
            return self.key.permits(permission, language)
        return permits(self.grants, permission, language)

    def require(self, permission: Permission, language: str | None = None) -> None:
        """Raise ForbiddenError unless the actor has a permission."""
        if not self.permits(permission, language):
            raise ForbiddenError(self.name, permission, language)


def terminal_actor(account: Account | None = None) -> Actor:
    """Return whoever uses the terminal; with an account, acting for its owner and with its roles."""
    if account is None:
        return Actor(name=_TERMINAL, via=_TERMINAL, grants=(Grant(Role.ADMINISTRATOR),))
    return _actor_of(account, _TERMINAL)


def account_actor(account: Account, network: str) -> Actor:
    """Return somebody who is signed in to the console."""
    return _actor_of(account, "console", network=network)


def key_actor(holder: KeyHolder, network: str) -> Actor:
    """Return the owner of an API key, with what the key allows."""
    return _actor_of(holder.account, "api", key=holder, network=network)


def _actor_of(account: Account, via: str, **more: Any) -> Actor:
    return Actor(
        name=account.email, via=via, account_id=account.id, grants=account.grants, **more
    )
