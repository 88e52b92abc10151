"""Counts of an issue that is being sent, for a browser that asks again and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import flask
import pytest
from werkzeug.test import Client

from publisher.accounts import store
from publisher.accounts.sessions import end_sessions
from publisher.app import console_session
from publisher.delivery.states import DeliveryState
from publisher.web.console import context
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from publisher.web.console.progress import RepeatedProgress
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import OpenLedger, open_test_ledger
from tests.publisher.web.console.conftest import SignIn

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

NAME = "weekly-en-2026-01-09"
PATH = f"/issues/{NAME}/sending/progress/"
ADDRESSES = [f"reader.{number}@mail.example" for number in range(9)]


@dataclass
class _Clock:
    """Stands still until a test sets it."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def clock(publication: PublicationFolder) -> _Clock:
    return _Clock(publication.clock.now())


@pytest.fixture
def console(console_context: ConsoleContext, clock: _Clock) -> flask.Flask:
    return create_console(replace(console_context, clock=clock))


@pytest.fixture
def ledger(publication: PublicationFolder, sign_in: SignIn) -> OpenLedger:  # noqa: ARG001  # it sets the languages
    return open_test_ledger(publication, *ADDRESSES)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each look at a session."""
    noted: list[str] = []

    def noting(state: object, token: str, network: str) -> object:
        noted.append(token)
        return console_session.read_signed_in(state, token, network)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(context, "read_signed_in", noting)
    return noted


def end_all_sessions(publication: PublicationFolder) -> None:
    """As another process does it."""
    with publication.database.writing() as connection:
        for account in store.list_accounts(connection):
            end_sessions(connection, account.id)


def test_a_browser_that_asks_again_is_answered_without_a_look_at_its_session(
    clock: _Clock, ledger: OpenLedger, sign_in: SignIn, looks: list[str]
) -> None:
    ledger.settle(ledger.begin(3), DeliveryState.SENT)
    client, other = sign_in("viewer"), sign_in("viewer", pages="ar")
    first = client.get(PATH)
    again = client.get(PATH)
    assert (again.status_code, again.text) == (200, first.text)
    assert sorted(again.headers) == sorted(first.headers)
    assert len(looks) == 1
    # Each in the own language, and new counts are rendered by the pages.
    assert other.get(PATH).headers["Content-Language"] == "ar"
    clock.instant += timedelta(seconds=3)
    ledger.settle(ledger.begin(2), DeliveryState.SENT)
    assert "5 sent" in client.get(PATH).text
    assert len(looks) == 3


def test_who_has_signed_out_here_sees_no_counts_at_once(
    ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.begin(1)
    client = sign_in("viewer")
    assert client.get(PATH).status_code == 200
    assert client.post("/sign-out/").status_code == 303
    assert client.get(PATH).status_code == 303


def test_whose_session_was_ended_elsewhere_sees_no_counts_after_twenty_seconds(
    publication: PublicationFolder, clock: _Clock, ledger: OpenLedger, sign_in: SignIn
) -> None:
    ledger.begin(1)
    client = sign_in("viewer")
    assert client.get(PATH).status_code == 200
    end_all_sessions(publication)
    assert client.get(f"/issues/{NAME}/sending/").status_code == 303
    clock.instant += timedelta(seconds=20)
    assert client.get(PATH).status_code == 303


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"path": f"{PATH}?x=1"}, 200),
        ({"path": "/issues/weekly-en-2026-01-16/sending/progress/"}, 404),
        ({"path": PATH, "headers": {"Cookie": ""}}, 303),
        ({"path": PATH, "headers": {"Host": "other.example"}}, 421),
        ({"path": PATH, "method": "POST"}, 405),
    ],
)
def test_another_request_is_answered_by_the_pages(
    ledger: OpenLedger, sign_in: SignIn, looks: list[str], sent: dict[str, Any], status: int
) -> None:
    ledger.begin(1)
    client = sign_in("viewer")
    assert client.get(PATH).status_code == client.get(PATH).status_code == 200
    assert len(looks) == 1
    assert client.open(**sent).status_code == status
    if status == 200:
        assert len(looks) == 2


def test_who_signs_out_while_a_look_is_answered_is_asked_at_the_next_one(
    console_context: ConsoleContext,
) -> None:
    """The session is looked at, somebody signs out, and only then the answer begins."""
    asked = []

    def pages(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        asked.append(environ["REQUEST_METHOD"])
        if asked == ["GET"]:
            Client(progress).post("/sign-out/")
        start_response("200 OK", [("Content-Language", "en")])
        return [b""]

    progress = RepeatedProgress(pages, console_context)
    for _ in range(2):
        assert Client(progress).get(PATH).status_code == 200
    assert asked == ["GET", "POST", "GET"]
    assert len(progress._permitted) == 1
