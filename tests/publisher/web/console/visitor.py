"""A browser that keeps the console's cookie, as a person with an invitation, a telephone and a passkey uses it."""

import html
import re
from dataclasses import dataclass, field
from datetime import timedelta

import flask
import pyotp
from werkzeug.http import parse_cookie
from werkzeug.test import TestResponse

from publisher.accounts.model import terminal_actor
from publisher.accounts.store import NewAccount
from publisher.app.accounts.administration import create_account, parse_roles
from publisher.app.editing_state import EditingState
from publisher.clock import Clock
from publisher.secrets import load_secret
from tests.publisher.accounts.authenticator import Authenticator
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import COOKIE, browser

PASSWORD = "four tall ships at anchor"


def invite(publication: PublicationFolder, email: str, *roles: str) -> str:
    """Add an account. Give the token of its invitation."""
    state = EditingState(
        settings=publication.settings,
        database=publication.database,
        secret=load_secret(publication.settings),
        clock=publication.clock,
    )
    grants = parse_roles(publication.settings.publication, roles or ["administrator"])
    return create_account(state, terminal_actor(), NewAccount(email, "", "en", grants)).token


@dataclass
class Visitor:
    """A browser at the console."""

    app: flask.Flask
    clock: Clock
    token: str = ""
    totp: str = ""
    device: Authenticator = field(
        default_factory=lambda: Authenticator(origin="http://localhost:8090")
    )

    def get(self, path: str) -> TestResponse:
        return self._kept(browser(self.app, self.token).get(path))

    def post(self, path: str, **fields: str | list[str]) -> TestResponse:
        return self._kept(browser(self.app, self.token).post(path, data=fields))

    def _kept(self, answer: TestResponse) -> TestResponse:
        for cookie in answer.headers.getlist("Set-Cookie"):
            self.token = parse_cookie(cookie.partition(";")[0]).get(COOKIE, "")
        return answer

    def code(self, steps: int = 0) -> str:
        """Give the code of the telephone, or that of a later step."""
        return pyotp.TOTP(self.totp).at(self.clock.now() + steps * timedelta(seconds=30))

    def accept(self, invitation: str) -> TestResponse:
        """Open an invitation, and read the secret that the page shows."""
        assert self.post("/invite/", invitation=invitation).location == "/invite/setup/"
        page = self.get("/invite/setup/")
        uri = re.search(r'href="(otpauth:[^"]+)"', page.text)
        assert uri is not None
        self.totp = pyotp.parse_uri(html.unescape(uri[1])).secret
        return page

    def enrol_password(self, invitation: str) -> TestResponse:
        self.accept(invitation)
        return self.post("/invite/setup/password/", password=PASSWORD, code=self.code())

    def enrol_passkey(self, invitation: str) -> TestResponse:
        self.accept(invitation)
        options = self.post("/invite/setup/options/").text
        answer = self.device.register(options)
        return self.post("/invite/setup/passkey/", answer=answer, label="phone")
