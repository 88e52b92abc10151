"""The console over a real database file, asked by a WSGI client, and people who are signed in."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, cast

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.http import dump_cookie

from publisher.accounts import audit
from publisher.accounts.model import Grant, Role
from publisher.accounts.sessions import Browser, begin_session, complete_session
from publisher.accounts.store import NewAccount, add_account
from publisher.app.operation.page_servers import ConsoleState, open_console_state
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import PublicationFolder

SignIn = Callable[..., FlaskClient]
COOKIE = "__Host-console-session"


def context_of(publication: PublicationFolder, opened: ConsoleState) -> ConsoleContext:
    """Return what pages work with; its clock is that of the publication at this moment."""
    return ConsoleContext(
        current_settings=lambda: publication.settings, opened=opened, clock=publication.clock
    )


@pytest.fixture
def console_context(publication: PublicationFolder) -> Iterator[ConsoleContext]:
    with open_console_state(publication.settings) as opened:
        yield context_of(publication, opened)


class _CurrentContext:
    """The context of the test that runs: making an application takes longer than most tests with one."""

    context: ConsoleContext

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

    def protected(self, response: flask.Response) -> flask.Response:
        return self.context.protected(response)


_CURRENT = _CurrentContext()
_shared_console = cache(partial(create_console, cast("ConsoleContext", _CURRENT)))


@pytest.fixture
def console(console_context: ConsoleContext) -> flask.Flask:
    _CURRENT.context = console_context
    return _shared_console()


def browser(app: flask.Flask, token: str = "") -> FlaskClient:
    """Give a browser on the console's own page, with the cookie of a session."""
    client = app.test_client(use_cookies=False)
    client.environ_base["HTTP_HOST"] = "localhost:8090"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    if token:
        client.environ_base["HTTP_COOKIE"] = dump_cookie(COOKIE, token).partition(";")[0]
    return client


@pytest.fixture
def nobody(console: flask.Flask) -> FlaskClient:
    """A browser of somebody who is not signed in."""
    return browser(console)


def begin(
    publication: PublicationFolder, role: str, language: str | None, pages: str, at: datetime
) -> str:
    """Add an account with a role, and sign it in. Return the session's token."""
    email = f"{role}-{language or 'all'}-{pages}@example.org"
    new = NewAccount(email, f"Ann {role}", pages, (Grant(Role(role), language),))
    with publication.database.writing() as connection:
        account = add_account(connection, new, at)
        token = begin_session(connection, Browser("Firefox", ""), at)
        return complete_session(connection, token, account.id, at)


@pytest.fixture
def sign_in(console: flask.Flask, publication: PublicationFolder) -> SignIn:
    """Give a browser of somebody with a role, for one language or all, with pages in a language."""

    def signed_in(
        role: str = "administrator",
        language: str | None = None,
        *,
        pages: str = "en",
        ago: timedelta = timedelta(0),
    ) -> FlaskClient:
        at = publication.clock.now() - ago
        return browser(console, begin(publication, role, language, pages, at))

    return signed_in


def audit_log(publication: PublicationFolder) -> list[audit.AuditEntry]:
    """Return the audit log's entries, the latest first."""
    with publication.database.reading() as connection:
        return [entry for _number, entry in audit.read_log(connection, limit=100)]
