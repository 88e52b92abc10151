"""The state and the accounts that tests of editors' verbs work with."""

from __future__ import annotations

from publisher.accounts import audit
from publisher.accounts.audit import AuditEntry
from publisher.accounts.store import NewAccount, add_account
from publisher.app.editing_state import Actor, EditingState, Grant, find_terminal_actor
from publisher.secret_key import load_secret
from tests.publisher.conftest import PublicationFolder


def editing_state(publication: PublicationFolder) -> EditingState:
    """Return the state of a publication at its present time."""
    return EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=load_secret(publication.settings),
        clock=publication.clock,
    )


def account(state: EditingState, email: str, *grants: Grant) -> Actor:
    """Add an account, and act for it."""
    with state.database.writing() as connection:
        add_account(connection, NewAccount(email, "Ann", "en", grants), state.clock.now())
    return find_terminal_actor(state, email)


def audit_log(state: EditingState) -> list[AuditEntry]:
    """Return the entries of the audit log, the newest first."""
    with state.database.reading() as connection:
        return [entry for _number, entry in audit.read_log(connection)]
