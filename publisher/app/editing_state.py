"""What the verbs of editors work with, and how each of them changes the database.

A verb takes a `EditingState` and an `Actor`, asks the actor for a permission, and changes rows in
`EditingState.changing`, which writes the audit log in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from publisher.accounts import audit
from publisher.accounts.model import (
    NOT_BY_KEY,
    OF_ONE_LANGUAGE,
    Actor,
    Grant,
    Permission,
    Role,
    terminal_actor,
)
from publisher.accounts.store import find_account
from publisher.app.opening import open_state
from publisher.clock import Clock
from publisher.config import Settings
from publisher.database import Database
from publisher.errors import UsageError
from publisher.secrets import load_secret

# What callers import, with the values of other packages that they get.
__all__ = ["NOT_BY_KEY", "OF_ONE_LANGUAGE", "Actor", "Change", "EditingState", "Grant"]
__all__ += ["Permission", "Role", "find_terminal_actor", "open_editing_state"]


@dataclass(slots=True)
class Change:
    """A transaction of a verb. `details` go to the audit log with it, and have no secret."""

    connection: Connection
    details: dict[str, Any]
    # Whether everything was so before, because a form was posted twice: then nothing is recorded.
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditingState:
    """Settings, database, secret and clock of a publication, as the verbs of its editors take them."""

    settings: Settings
    database: Database
    secret: str = field(repr=False)
    clock: Clock

    @contextmanager
    def changing(
        self, actor: Actor, verb: str, what: str, details: Mapping[str, Any] | None = None
    ) -> Iterator[Change]:
        """Open a transaction that writes; the audit log gets who did `verb`, like "approve", with `what`, unless the body raises."""
        with self.database.writing() as connection:
            change = Change(connection, dict(details or {}))
            yield change
            if not change.is_repeated:
                self.record(connection, actor, verb, what, change.details)

    @contextmanager
    def together(self) -> Iterator[EditingState]:
        """Yield this state for several verbs, such as one in many languages: all are done, or none."""
        with self.database.together() as database:
            yield replace(self, database=database)

    def record(
        self,
        connection: Connection,
        actor: Actor,
        verb: str,
        what: str,
        details: Mapping[str, Any],
    ) -> None:
        """Record in the audit log, in a transaction of the caller's, who did what in it."""
        entry = audit.AuditEntry(
            at=self.clock.now(),
            actor=actor.name,
            verb=verb,
            object=what,
            details={**details, "via": actor.via},
            network=actor.network,
        )
        audit.record(connection, self.secret, entry)


@contextmanager
def open_editing_state(settings: Settings, clock: Clock) -> Iterator[EditingState]:
    """Open it for a program that ends soon, such as a command."""
    with open_state(settings) as database:
        yield EditingState(
            settings=settings, database=database, secret=load_secret(settings), clock=clock
        )


def find_terminal_actor(state: EditingState, email: str | None) -> Actor:
    """Return the machine's owner, or the account of an address. Raise UsageError if that is unknown or disabled."""
    if email is None:
        return terminal_actor()
    with state.database.reading() as connection:
        account = find_account(connection, email)
    if account is None or account.disabled_at is not None:
        raise UsageError(f"{email}: no account; `publisher api listAccounts` shows them")
    return terminal_actor(account)
