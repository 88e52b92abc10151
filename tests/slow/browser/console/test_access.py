"""Signing in to the console in Chromium: by a passkey under the strict policy, and without a script."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from publisher.accounts.model import terminal_actor
from publisher.accounts.store import NewAccount
from publisher.app.accounts.administration import Invitation, create_account
from publisher.app.editing_state import Grant, Role, open_editing_state
from publisher.clock import SystemClock
from publisher.config import Settings
from publisher.database import open_database
from publisher.testing import make_publication
from tests.databases import at_database
from tests.publisher.accounts.openid_provider import running_provider, with_provider
from tests.publisher.web.console.running import running_console
from tools.browser.accessibility import AXE, RULES, RUN, result_lines
from tools.browser.chromium import AUTHENTICATOR, Chromium, press

PASSWORD = "four tall ships at anchor"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Settings]:
    settings = at_database(make_publication(tmp_path / "one", languages=["en", "ar"]))
    settings.folders.var.mkdir(exist_ok=True)
    open_database(settings.database).close()
    with running_console(settings) as settings:
        yield settings


def invite(console: Settings, language: str = "en") -> Invitation:
    new = NewAccount("ann@example.org", "Ann", language, (Grant(Role.ADMINISTRATOR),))
    with open_editing_state(console, SystemClock()) as state:
        return create_account(state, terminal_actor(), new)


def test_a_passkey_is_made_by_an_invitation_and_signs_in(
    chromium: Chromium, console: Settings
) -> None:
    link = invite(console).link(console.console.url)

    def look(page: Page) -> dict[str, Any]:
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text))
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url))
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        device = devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})[
            "authenticatorId"
        ]
        page.goto(link)
        expect(page).to_have_url(re.compile(r"/invite/setup/$"))
        page.get_by_label("What you call this device").fill("Laptop")
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("status")).to_have_text("You are signed out.")
        button = page.get_by_role("button", name="Sign in with a passkey")
        # Nobody touches the device, and the page is left: that can be begun again.
        touched = {"authenticatorId": device, "enabled": False}
        devices.send("WebAuthn.setAutomaticPresenceSimulation", touched)
        with page.expect_response(re.compile(r"/sign-in/options/$")):
            button.click()
        page.reload()
        devices.send("WebAuthn.setAutomaticPresenceSimulation", touched | {"enabled": True})
        # Whoever found the device unlocked, but is not recognised by it, does not get in.
        user = {"authenticatorId": device, "isUserVerified": False}
        devices.send("WebAuthn.setUserVerified", user)
        button.click()
        expect(page.get_by_role("alert")).to_be_visible()
        devices.send("WebAuthn.setUserVerified", user | {"isUserVerified": True})
        button.click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.goto(f"{console.console.url}/account/")
        expect(page.get_by_role("rowheader", name="Laptop")).to_be_visible()
        return {
            "token in an address": [url for url in asked[1:] if link.partition("#")[2] in url],
            "foreign": [url for url in asked if not url.startswith(console.console.url)],
            "refused by the policy": [text for text in said if "Content Security" in text],
        }

    assert chromium.browse_servers(look) == {
        "token in an address": [],
        "foreign": [],
        "refused by the policy": [],
    }


def test_at_another_address_than_the_settings_name_the_page_says_where_passkeys_work(
    chromium: Chromium, console: Settings
) -> None:
    url = console.console.url

    def look(page: Page) -> None:
        button = page.get_by_role("button", name="Sign in with a passkey")
        page.goto(f"{url}/sign-in/")
        expect(button).to_be_visible()
        page.goto(f"{url.replace('localhost', '127.0.0.1')}/sign-in/")
        expect(page.get_by_role("link", name=url)).to_be_visible()
        expect(page.get_by_text("[console] url")).to_be_visible()
        expect(button).to_be_hidden()

    chromium.browse_servers(look)


def test_a_password_and_codes_work_without_a_script(
    chromium: Chromium, console: Settings
) -> None:
    invitation = invite(console)

    def look(page: Page) -> str:
        page = page.context.browser.new_context(java_script_enabled=False).new_page()  # type: ignore[union-attr]
        page.goto(f"{console.console.url}/invite/")
        page.get_by_label("The part of your link after the #").fill(invitation.token)
        press(page.get_by_role("button", name="Continue"))
        assert not page.get_by_role("button", name="Make a passkey").is_visible()
        key = page.get_by_text("Enter this key").locator("bdi.code")
        totp = pyotp.TOTP(re.sub(r"\s", "", key.inner_text()))
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_label("The one-time password that the program shows now").fill(totp.now())
        press(page.get_by_role("button", name="Set it up"))
        assert page.get_by_role("listitem").filter(has_text="-").count() >= 10
        press(page.get_by_role("link", name="I have kept them"))
        press(page.get_by_role("button", name="Sign out"))
        page.get_by_label("E-mail address").fill("ann@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        press(page.get_by_role("button", name="Continue"))
        # The code of the next step is good already, that of this one was used.
        later = datetime.now(UTC) + timedelta(seconds=30)
        page.get_by_label("One-time password, or a recovery code").fill(totp.at(later))
        press(page.get_by_role("button", name="Sign in"))
        page.goto(f"{console.console.url}/account/")
        title = page.title()
        page.context.close()
        return title

    assert chromium.browse_servers(look).startswith("Your account")


@pytest.mark.parametrize("script", [True, False])
def test_a_provider_on_another_site_signs_in_and_confirms_also_without_a_script(
    chromium: Chromium, tmp_path: Path, *, script: bool
) -> None:
    settings = at_database(make_publication(tmp_path / "one", languages=["en"]))
    settings.folders.var.mkdir(exist_ok=True)
    open_database(settings.database).close()

    def look(page: Page, url: str) -> list[str]:
        page = page.context.browser.new_context(java_script_enabled=script).new_page()  # type: ignore[union-attr]
        said: list[str] = []
        page.on("console", lambda one: said.append(one.text))
        page.goto(f"{url}/sign-in/?next=/audit/")
        for action in ("Sign in with Lantern ID", "Confirm with Lantern ID"):
            page.get_by_role("button", name=action).click()
            page.get_by_role("button", name="It is me").click()
            expect(page).to_have_url(re.compile(rf"^{url}/audit/$"))
            page.goto(f"{url}/sign-in/again/?next=/audit/")
        page.goto(f"{url}/account/")
        expect(page.get_by_text("Connected.")).to_be_visible()
        page.context.close()
        return [one for one in said if "Content Security" in one or "Refused" in one]

    with running_provider(SystemClock()) as provider:
        provider.has_page = True
        with running_console(with_provider(settings, provider)) as console:
            invite(console)
            assert chromium.browse_servers(partial(look, url=console.console.url)) == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_of_signing_in_are_accessible(
    chromium: Chromium, console: Settings, language: str
) -> None:
    link = invite(console, language).link(console.console.url)

    def look(page: Page) -> list[str]:
        page.goto(f"{console.console.url}/sign-in/?lang={language}")
        faults = checked(page)
        page.goto(link)
        page.wait_for_url(re.compile("/invite/setup/"))
        return faults + checked(page)

    assert chromium.browse_servers(look) == []


def checked(page: Page) -> list[str]:
    """Give what is wrong with a page: rules of WCAG, and whether it scrolls sideways at 320 px."""
    page.set_viewport_size({"width": 320, "height": 900})
    faults = []
    width = "document.scrollingElement.scrollWidth - innerWidth"
    if page.evaluate(width) > 0:
        faults.append(f"{page.url} scrolls sideways")
    page.evaluate(AXE)
    found = page.evaluate(RUN, RULES)
    return faults + [f"{page.url}: {line}" for line in result_lines(found["violations"])]
