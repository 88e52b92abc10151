"""The state, accounts and ways to sign in that tests of editors' verbs work with."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Barrier

import pyotp
import pytest

from publisher.accounts import audit
from publisher.accounts.audit import AuditEntry
from publisher.accounts.model import (
    Account,
    Actor,
    ApiKey,
    Grant,
    Permission,
    Role,
    terminal_actor,
)
from publisher.accounts.sessions import Browser
from publisher.accounts.store import NewAccount, add_account
from publisher.app.accounts import administration, factors
from publisher.app.accounts import sign_in as access
from publisher.app.accounts.sign_in import SignedIn, read_signed_in
from publisher.app.editing_state import EditingState, find_terminal_actor
from publisher.clock import FixedClock
from publisher.errors import PublisherError, SignInError
from tests.publisher.accounts.authenticator import Authenticator
from tests.publisher.conftest import NOW


def account(state: EditingState, email: str, *grants: Grant) -> Actor:
    """Add an account, and act for it."""
    with state.database.writing() as connection:
        add_account(connection, NewAccount(email, "Ann", "en", grants), state.clock.now())
    return find_terminal_actor(state, email)


def account_with(role: Role) -> Account:
    """Return an account that is in no database."""
    email = "bob@example.org"
    return Account(
        id=1, email=email, name="Bob", language="en", created_at=NOW, grants=(Grant(role),)
    )


def api_key(scopes: frozenset[Permission], languages: tuple[str, ...] | None) -> ApiKey:
    return ApiKey(
        id=1,
        account_id=1,
        label="ci",
        scopes=scopes,
        languages=languages,
        created_at=NOW,
        expires_at=NOW,
        used_at=None,
        revoked_at=None,
    )


def audit_log(state: EditingState) -> list[AuditEntry]:
    """Return the entries of the audit log, the newest first."""
    with state.database.reading() as connection:
        return [entry for _number, entry in audit.read_log(connection)]


def click_at_once(*clicks: Callable[[], object]) -> list[object]:
    """Do all at once, each in a thread. Return what each returned, or the error that refused it."""
    start = Barrier(len(clicks))

    def click(one: Callable[[], object]) -> object:
        start.wait()
        try:
            return one()
        except PublisherError as error:
            return error

    with ThreadPoolExecutor(len(clicks)) as pool:
        return list(pool.map(click, clicks))


BROWSER = Browser("A browser", "192.0.2.0/24")
NETWORK = BROWSER.network
PASSWORD = "four tall ships at anchor"
ORIGIN = "http://localhost:8090"
ANN, BOB = "ann@example.org", "bob@example.org"
ROOT = terminal_actor()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(state: EditingState, after: timedelta) -> EditingState:
    """Give the same state so long after the beginning of the tests."""
    return replace(state, clock=FixedClock(NOW + after))


@dataclass
class Person:
    """Somebody with an account, a telephone that makes codes, and one that has a passkey."""

    state: EditingState
    email: str
    invitation: str
    device: Authenticator = field(default_factory=lambda: Authenticator(origin=ORIGIN))
    totp: str = ""
    recovery_codes: tuple[str, ...] = ()

    def code(self, now: datetime = NOW) -> str:
        return pyotp.TOTP(self.totp).at(now)

    def enrol_passkey(self) -> str:
        """Open the invitation and make a passkey. Give the session's token."""
        token = factors.accept_invitation(self.state, BROWSER, self.invitation)
        return self.add_passkey(self.state, token)

    def add_passkey(self, state: EditingState, token: str) -> str:
        answer = self.device.register(factors.ask_for_own_passkey(state, token))
        return factors.store_passkey(state, token, answer, "phone", NETWORK).token

    def enrol_password(self) -> str:
        """Open the invitation and set up a password. Give the session's token."""
        token = factors.accept_invitation(self.state, BROWSER, self.invitation)
        return self.set_password(self.state, token)

    def set_password(self, state: EditingState, token: str, password: str = PASSWORD) -> str:
        self.totp = factors.read_setup(state, token).totp
        code = self.code(state.clock.now())
        made = factors.store_password(state, token, password, code, NETWORK)
        self.recovery_codes = made.recovery_codes
        return made.token

    def sign_in(self, state: EditingState, browser: Browser = BROWSER) -> str:
        asked = access.ask_for_sign_in(state, browser)
        answer = self.device.sign(asked.options)
        return access.use_passkey(state, asked.token, answer, browser.network)


def invite(state: EditingState, email: str, *roles: str) -> Person:
    grants = administration.parse_roles(state.settings.publication, roles or ["administrator"])
    new = NewAccount(email, "", "en", grants)
    made = administration.create_account(state, terminal_actor(), new)
    return Person(state, email, made.token)


def who(state: EditingState, token: str) -> str | None:
    """Give the address of whoever is signed in with a token."""
    found = read_signed_in(state, token, NETWORK)
    return found.actor.name if found else None


def required(state: EditingState, token: str) -> SignedIn:
    found = read_signed_in(state, token, NETWORK)
    assert found is not None
    return found


def reason(step: Callable[[], object]) -> str:
    """Do what is refused; return why."""
    with pytest.raises(SignInError) as caught:
        step()
    return caught.value.key


def as_text(value: object) -> str:
    return json.dumps(value, default=str)
