"""Passkeys of a device in Chromium that must not sign anybody in, though the browser gives an answer.

A virtual authenticator signs what a page asks it for. The console refuses the answer, changes nothing, and has an
entry of it in the audit log.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import flask
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from publisher.accounts import audit
from publisher.accounts.actor import terminal_actor
from publisher.accounts.passkeys import list_passkeys, remove_passkey
from publisher.accounts.tables import account_table, console_session_table, passkey_table
from publisher.app.console_accounts import NewAccount, create_account
from publisher.app.editing_state import Grant, Role, open_editing_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.database import open_database
from tests.slow.browser.chromium import Chromium
from tests.slow.browser.test_console_access import AUTHENTICATOR, console
from tests.slow.browser.test_console_pages import serving

__all__ = ["console"]

ASK = "path => fetch(path, {method: 'POST'}).then((answer) => answer.json())"
SIGN = """async ([options, change]) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({...options, ...change});
  return JSON.stringify((await navigator.credentials.get({publicKey})).toJSON());
}"""
SEND = """answer => {
  const form = document.querySelector("form[data-passkey]");
  form.elements.answer.value = answer;
  form.submit();
}"""
ANN, BOB = "ann@example.org", "bob@example.org"


@dataclass
class Device:
    """A page of a browser, and the authenticator that answers it."""

    page: Page
    settings: Settings
    elsewhere: str

    def __post_init__(self) -> None:
        self._session = self.page.context.new_cdp_session(self.page)
        self._session.send("WebAuthn.enable")
        options = {"options": AUTHENTICATOR}
        added = self._session.send("WebAuthn.addVirtualAuthenticator", options)
        self._id = added["authenticatorId"]

    def tell(self, command: str, **values: Any) -> dict[str, Any]:
        told: dict[str, Any] = self._session.send(
            f"WebAuthn.{command}", {"authenticatorId": self._id, **values}
        )
        return told

    def credential(self, number: int) -> dict[str, Any]:
        """Give what the device has of the account with this number."""
        handle = b64encode(f"account {number}".encode()).decode()
        found: list[dict[str, Any]] = self.tell("getCredentials")["credentials"]
        (one,) = (one for one in found if one["userHandle"] == handle)
        return one

    def change(self, **values: Any) -> None:
        """Let the device have the first account's passkey with other facts."""
        changed = self.credential(1) | values
        self.tell("clearCredentials")
        self.tell("addCredential", credential=changed)

    # --- what a person does

    def open(self, path: str) -> None:
        self.page.goto(f"{self.settings.console.url}{path}")

    def enrol(self, email: str) -> None:
        new = NewAccount(email, email, "en", (Grant(Role.ADMINISTRATOR),))
        with open_editing_state(self.settings, SystemClock()) as state:
            invitation = create_account(state, terminal_actor(), new)
        self.page.goto(invitation.link(self.settings.console.url))
        expect(self.page).to_have_url(re.compile(r"/invite/setup/$"))
        self.page.get_by_role("button", name="Make a passkey").click()
        self.sign_out()

    def sign_in(self) -> None:
        self.open("/sign-in/")
        self.page.get_by_role("button", name="Sign in with a passkey").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out").click()
        expect(self.page.get_by_role("status")).to_have_text("You are signed out.")

    # --- what a page asks the device for

    def ask(self, page: str = "/sign-in/") -> Any:
        self.open(page)
        return self.page.evaluate(ASK, f"{page}options/")

    def sign(self, options: Any, **change: Any) -> str:
        signed: str = self.page.evaluate(SIGN, [options, change])
        return signed

    def send(self, answer: str) -> int:
        """Send an answer with the form of the page, and give the status of what comes back."""
        with self.page.expect_navigation() as shown:
            self.page.evaluate(SEND, answer)
        assert shown.value is not None
        return shown.value.status


# --- what is wrong with an answer


def _nobody_verified(device: Device) -> str:
    device.tell("setUserVerified", isUserVerified=False)
    return device.sign(device.ask(), userVerification="discouraged")


def _another_origin(device: Device) -> str:
    """Sign for a page of another port, whose host may ask for the console's passkeys."""
    options = device.ask()
    device.page.goto(device.elsewhere)
    answer = device.sign(options)
    device.open("/sign-in/")
    return answer


def _another_relying_party(device: Device) -> str:
    options, host = device.ask(), "evil.localhost"
    device.change(rpId=host)
    device.page.goto(device.elsewhere.replace("localhost", host))
    answer = device.sign(options, rpId=host)
    device.open("/sign-in/")
    return answer


def _another_owner(device: Device) -> str:
    device.change(userHandle=b64encode(b"account 2").decode())
    return device.sign(device.ask())


def _counter_that_goes_back(device: Device) -> str:
    """Sign by a copy of the passkey that was made before the device signed again."""
    device.change(signCount=50)
    device.sign_in()
    device.sign_out()
    device.change(signCount=10)
    return device.sign(device.ask())


def _a_removed_passkey(device: Device) -> str:
    options = device.ask()
    with (
        closing(open_database(device.settings.database)) as database,
        database.writing() as connection,
    ):
        (one,) = list_passkeys(connection, 1)
        assert remove_passkey(connection, 1, one.id)
    return device.sign(options)


def _answer_to_an_earlier_question(device: Device) -> str:
    """Send what was right once to a session that was asked for something else."""
    answer = device.sign(device.ask())
    assert device.send(answer) == 200
    device.sign_out()
    device.ask()
    return answer


def _question_that_was_answered(device: Device) -> str:
    """Send the right answer after a wrong one: a question is good for one."""
    answer = device.sign(device.ask())
    assert device.send("{}") == 422
    return answer


WRONG: dict[str, Callable[[Device], str]] = {
    one.__name__.strip("_"): one
    for one in (
        _nobody_verified,
        _another_origin,
        _another_relying_party,
        _another_owner,
        _counter_that_goes_back,
        _a_removed_passkey,
        _answer_to_an_earlier_question,
        _question_that_was_answered,
    )
}


@dataclass(frozen=True)
class Stored:
    """What the database has of accounts."""

    accounts: list[Any]
    passkeys: list[Any]
    signed_in: list[Any]
    log: list[audit.AuditEntry]


def stored(settings: Settings) -> Stored:
    sessions = select(console_session_table.c.account_id)
    sessions = sessions.where(console_session_table.c.proved_at.is_not(None))
    with (
        closing(open_database(settings.database)) as database,
        database.reading() as connection,
    ):
        accounts, keys, signed_in = (
            [tuple(row) for row in connection.execute(query)]
            for query in (select(account_table), select(passkey_table), sessions)
        )
        log = [entry for _number, entry in audit.read_log(connection, limit=1000)][::-1]
    return Stored(accounts, keys, signed_in, log)


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another server on this machine, whose pages are empty."""
    other = flask.Flask("other")
    other.add_url_rule("/", view_func=lambda: "<!DOCTYPE html><title>Eve</title>")
    with serving(other) as url:
        yield url


def browse(
    chromium: Chromium, console: Settings, elsewhere: str, look: Callable[[Device], None]
) -> None:
    """Let a page with a device look, on which Ann and Bob have made a passkey each."""

    def begin(page: Page) -> None:
        device = Device(page, console, elsewhere)
        for email in (ANN, BOB):
            device.enrol(email)
        look(device)

    chromium.browse_servers(begin)


def refused(before: Stored, after: Stored) -> audit.AuditEntry:
    """Look at what a refused answer has changed: nothing. Give its entry of the audit log."""
    assert (after.accounts, after.signed_in) == (before.accounts, before.signed_in)
    assert after.log[: len(before.log)] == before.log
    (entry,) = after.log[len(before.log) :]
    assert (entry.verb, entry.details["by"]) == ("sign-in-refused", "passkey")
    assert entry.details["why"]
    return entry


@pytest.mark.parametrize("kind", WRONG)
def test_an_answer_that_is_wrong_signs_nobody_in(
    chromium: Chromium, console: Settings, elsewhere: str, kind: str
) -> None:
    def look(device: Device) -> None:
        # With one passkey, nobody is asked which.
        device.change()
        answer = WRONG[kind](device)
        before = stored(console)
        assert device.send(answer) == 422
        after = stored(console)
        assert after.passkeys == before.passkeys
        assert refused(before, after).actor == "nobody"
        device.open("/audit/")
        expect(device.page).to_have_url(re.compile(r"/sign-in/"))

    browse(chromium, console, elsewhere, look)


def test_the_passkey_of_another_account_proves_nothing_to_a_session(
    chromium: Chromium, console: Settings, elsewhere: str
) -> None:
    def look(device: Device) -> None:
        bob = device.credential(2)
        device.change()
        device.sign_in()
        device.tell("clearCredentials")
        device.tell("addCredential", credential=bob)
        options = device.ask("/sign-in/again/")
        answer = device.sign(options, allowCredentials=[])
        before = stored(console)
        assert device.send(answer) == 422
        assert refused(before, stored(console)).actor == BOB
        # Ann is still signed in, as herself.
        device.open("/account/")
        expect(device.page.get_by_text(ANN).first).to_be_visible()

    browse(chromium, console, elsewhere, look)


def test_a_ceremony_that_is_cancelled_leaves_nothing_and_can_be_begun_again(
    chromium: Chromium, console: Settings, elsewhere: str
) -> None:
    def look(device: Device) -> None:
        device.change()
        device.tell("setAutomaticPresenceSimulation", enabled=False)
        device.open("/sign-in/")
        before = stored(console)
        with device.page.expect_response(re.compile(r"/sign-in/options/$")):
            device.page.get_by_role("button", name="Sign in with a passkey").click()
        # Nobody touches the device, and the page is left.
        device.open("/sign-in/")
        assert stored(console) == before
        device.tell("setAutomaticPresenceSimulation", enabled=True)
        device.sign_in()
        assert len(stored(console).signed_in) == 1

    browse(chromium, console, elsewhere, look)
