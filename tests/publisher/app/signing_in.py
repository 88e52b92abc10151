"""People who sign in to the console in tests, with the devices that they have."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyotp

from publisher.accounts.actor import terminal_actor
from publisher.app import console_access as access
from publisher.app import console_accounts, console_factors
from publisher.app.console_session import SignedIn, read_signed_in
from publisher.app.editing_state import EditingState
from publisher.app.own_sessions import Browser
from publisher.clock import FixedClock
from tests.publisher.accounts.authenticator import Authenticator
from tests.publisher.conftest import NOW

BROWSER = Browser("A browser", "192.0.2.0/24")
NETWORK = BROWSER.network
PASSWORD = "four tall ships at anchor"
ORIGIN = "http://localhost:8090"


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
        token = console_factors.accept_invitation(self.state, BROWSER, self.invitation)
        return self.add_passkey(self.state, token)

    def add_passkey(self, state: EditingState, token: str) -> str:
        answer = self.device.register(console_factors.ask_for_own_passkey(state, token))
        return console_factors.store_passkey(state, token, answer, "phone", NETWORK).token

    def enrol_password(self) -> str:
        """Open the invitation and set up a password. Give the session's token."""
        token = console_factors.accept_invitation(self.state, BROWSER, self.invitation)
        return self.set_password(self.state, token)

    def set_password(self, state: EditingState, token: str, password: str = PASSWORD) -> str:
        self.totp = console_factors.read_setup(state, token).totp
        code = self.code(state.clock.now())
        made = console_factors.store_password(state, token, password, code, NETWORK)
        self.recovery_codes = made.recovery_codes
        return made.token

    def sign_in(self, state: EditingState, browser: Browser = BROWSER) -> str:
        """Sign in by the passkey."""
        asked = access.ask_for_sign_in(state, browser)
        answer = self.device.sign(asked.options)
        return access.use_passkey(state, asked.token, answer, browser.network)


def invite(state: EditingState, email: str, *roles: str) -> Person:
    grants = console_accounts.parse_roles(
        state.settings.publication, roles or ["administrator"]
    )
    new = console_accounts.NewAccount(email, "", "en", grants)
    made = console_accounts.create_account(state, terminal_actor(), new)
    return Person(state, email, made.token)


def who(state: EditingState, token: str) -> str | None:
    """Give the address of whoever is signed in with a token."""
    found = read_signed_in(state, token, NETWORK)
    return found.actor.name if found else None


def required(state: EditingState, token: str) -> SignedIn:
    found = read_signed_in(state, token, NETWORK)
    assert found is not None
    return found


def as_text(value: object) -> str:
    return json.dumps(value, default=str)
