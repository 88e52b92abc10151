"""The API over a real database file, asked by a WSGI client with keys of accounts."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from publisher.accounts.api_keys import KeyRequest, add_api_key
from publisher.accounts.model import NOT_BY_KEY, Grant, Permission, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.web.api.application import PREFIX, create_api
from publisher.web.api.requests import ApiContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import console_context as api_context

__all__ = ["api_context"]

ALL_SCOPES = frozenset({*Permission} - NOT_BY_KEY)


class Program:
    """A client of the API with a key."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self._client = client
        self.key = key

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        """Send a request; `body` is sent as JSON, bytes as they are."""
        given = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        return self._client.open(
            f"{PREFIX}{path}", method=method, data=content, headers={**kind, **given}
        )

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, named)


NewKey = Callable[..., Program]


@pytest.fixture
def api(api_context: ApiContext) -> flask.Flask:
    return create_api(api_context)


def client_of(app: flask.Flask) -> FlaskClient:
    client = app.test_client(use_cookies=False)
    client.environ_base["HTTP_HOST"] = "localhost:8090"
    return client


@pytest.fixture
def new_key(api: flask.Flask, publication: PublicationFolder) -> NewKey:
    """Make keys: of an account with grants, with scopes, for some languages or all."""
    count = 0

    def make(
        *grants: Grant,
        scopes: frozenset[Permission] = ALL_SCOPES,
        languages: tuple[str, ...] | None = None,
        lifetime: timedelta = timedelta(days=1),
        app: flask.Flask | None = None,
    ) -> Program:
        nonlocal count
        count += 1
        now = publication.clock.now()
        roles = grants or (Grant(Role.ADMINISTRATOR),)
        with publication.database.writing() as connection:
            new = NewAccount(f"program{count}@example.org", "A program", "en", roles)
            account = add_account(connection, new, now)
            wanted = KeyRequest("ci", scopes, languages, lifetime)
            key = add_api_key(connection, account.id, wanted, now)
        return Program(client_of(app or api), key)

    return make


@pytest.fixture
def program(new_key: NewKey) -> Program:
    """A program that may do all that keys permit."""
    return new_key()
