"""Who is let in, what is refused before anything is done, and in which form."""

import base64
from functools import partial
from typing import Any

import flask
import pytest
from pydantic import BaseModel
from werkzeug.test import Client

from publisher.accounts.model import Grant, Permission, Role
from publisher.errors import DatabaseError, IssueError, UsageError
from publisher.request_limits import Pace
from publisher.web.api import requests
from publisher.web.api.application import create_api
from publisher.web.api.operations import About, AnyKey, ApiValue, Done, Operation
from publisher.web.api.requests import ApiContext, ApiRequest
from publisher.web.console.context import ConsoleContext
from publisher.web.console.server import create_site
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready
from tests.publisher.web.api.conftest import NewKey, Program, client_of
from tests.publisher.web.console.conftest import COOKIE, begin

NAME = "weekly-en-2026-01-09"


class Body(ApiValue):
    word: str
    number: int = 0


def _run(_request: ApiRequest, **_parts: str) -> Done:
    return Done()


def operation(**changes: Any) -> Operation:
    values: dict[str, Any] = {
        "method": "POST",
        "path": "/things",
        "id": "thing",
        "summary": "Do a thing",
        "access": AnyKey.ANY_KEY,
        "answer": Done,
        "run": _run,
    }
    return Operation(**values | changes)


def detail(answer: Any, status: int) -> str:
    """Give the sentence of a problem, after looking at its form."""
    value = answer.get_json()
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert value["status"] == status
    assert value["type"] == "about:blank"
    assert value["title"]
    return str(value["detail"])


# --- credentials


def test_only_a_key_that_counts_lets_in(
    api: flask.Flask, program: Program, publication: PublicationFolder
) -> None:
    key = program.key
    basic = base64.b64encode(f"{key}:".encode()).decode()
    session = begin(publication, "administrator", None, "en", publication.clock.now())
    refused: list[dict[str, str]] = [
        {},
        {"Authorization": key},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"Bearer {key[:-1]}"},
        {"Authorization": f"Bearer {key[:-1]}{'a' if key[-1] != 'a' else 'b'}"},
        {"Authorization": f"Bearer {key} {key}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \u00e9"},
        {"Authorization": f"Bearer {key.replace('_', '-')}"},
        {"Cookie": f"{COOKIE}={session}"},
        {"Cookie": f"key={key}"},
        {"X-Api-Key": key},
    ]
    client = client_of(api)
    for headers in refused:
        answer = client.get("/api/v1/issues", headers=headers)
        assert "Authorization: Bearer pub_" in detail(answer, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="publisher"'
    assert client.get(f"/api/v1/issues?access_token={key}").status_code == 401
    assert program.get("/issues").status_code == 200
    assert (
        client.get("/api/v1/issues", headers={"authorization": f"bearer {key}"}).status_code
        == 200
    )


def test_no_page_of_the_console_takes_a_key_and_the_api_takes_no_session(
    publication: PublicationFolder, api_context: ConsoleContext, new_key: NewKey
) -> None:
    key = new_key().key
    session = begin(publication, "administrator", None, "en", publication.clock.now())
    site = Client(create_site(lambda: api_context), use_cookies=False)

    def status(path: str, headers: dict[str, str]) -> int:
        return site.get(path, headers={"Host": "localhost:8090", **headers}).status_code

    cookie = {"Cookie": f"{COOKIE}={session}"}
    assert (status("/", cookie), status("/api/v1/issues", cookie)) == (200, 401)
    bearer = {"Authorization": f"Bearer {key}"}
    assert (status("/", bearer), status("/api/v1/issues", bearer)) == (303, 200)


def test_another_host_is_refused(api: flask.Flask, program: Program) -> None:
    headers = {"Host": "evil.example", "Authorization": f"Bearer {program.key}"}
    detail(api.test_client().get("/api/v1/issues", headers=headers), 421)


# --- what a key permits


def test_a_key_for_some_languages_lists_their_issues_only(
    new_key: NewKey, publication: PublicationFolder
) -> None:
    ready(publication)
    assert "no role that permits pause-sending in en" in detail(
        new_key(Grant(Role.VIEWER)).post(f"/issues/{NAME}/pause", {}), 403
    )
    arabic = new_key(languages=("ar",))
    assert arabic.get("/issues").get_json()["issues"] == []
    detail(arabic.get("/issues?language=en"), 403)


def test_an_operation_without_access_can_t_be_made() -> None:
    with pytest.raises(TypeError, match="access"):
        Operation(method="GET")  # type: ignore[call-arg]
    for access in (None, "view", Permission.MANAGE_ACCOUNTS, Permission.MANAGE_WEBHOOKS):
        with pytest.raises(ValueError, match="is no access of a key"):
            operation(access=access)
    with pytest.raises(ValueError, match="say which"):
        operation(access=Permission.APPROVE)
    with pytest.raises(ValueError, match="has no <issue>"):
        operation(access=Permission.VIEW, about=About.ISSUE)


# --- what is asked for


def test_a_wrong_body_is_refused_with_the_place(
    api_context: ApiContext, new_key: NewKey
) -> None:
    program = new_key(app=create_api(api_context, (operation(body=Body),)))
    huge = b'{"word": "a", "number": 1' + b"0" * 5000 + b"}"
    no_json = (b"", b"{", b"\xff{}", b'{"word": "a", "number": NaN}', b"[" * 50_000, huge)
    for body, status, part in (
        *((one, 400, "not JSON") for one in no_json),
        (b'{"word": "a", "word": "b"}', 400, "a key more than once"),
        (b"[]", 422, "the body: "),
        (b"{}", 422, "/word: Field required"),
        (b'{"word": 5}', 422, "/word: "),
        (b'{"word": "a", "role": "x"}', 422, "/role: Extra inputs are not permitted"),
        (b'{"word": "a", "number": "1.5"}', 422, "/number: "),
    ):
        assert part in detail(program.post("/things", body), status), body[:40]


def test_a_body_is_json_only_and_not_longer_than_64_kb(
    api_context: ApiContext, new_key: NewKey
) -> None:
    program = new_key(app=create_api(api_context, (operation(body=Body),)))
    good = b'{"word": "a"}'
    assert program.post("/things", good).status_code == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        detail(program.ask("POST", "/things", good, {"Content-Type": kind}), 415)
    detail(program.post("/things", {"word": "a" * 70_000}), 413)
    # An operation without a body takes none.
    program = new_key(app=create_api(api_context, (operation(),)))
    assert program.post("/things").status_code == 200
    detail(program.post("/things", {}), 400)


def test_wrong_parameters_are_refused_by_name(program: Program) -> None:
    for query, part in (
        *(("limit=0", "limit: "), ("limit=201", "limit: ")),
        ("limit=1&limit=2", "limit: is given more than once"),
        ("state=gone", "state: "),
        ("order=asc", "order: Extra inputs are not permitted"),
        ("cursor=%00", "the cursor is not one"),
        ("cursor=WyJhIiwxXQ", "the cursor is not one"),
        ("cursor=" + "a" * 501, "cursor: "),
    ):
        assert part in detail(program.get(f"/issues?{query}"), 422), query


def test_what_is_not_there_and_methods_that_are_not_are_problems_too(program: Program) -> None:
    detail(program.get("/nothing"), 404)
    assert "no such issue" in detail(program.get("/issues/weekly-en-1999-01-01"), 404)
    for method in ("PUT", "DELETE", "PATCH", "POST", "OPTIONS"):
        answer = program.ask(method, "/issues")
        detail(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    detail(program.get("/issues/"), 404)


class _SecretError(Exception):
    pass


def _fail(error: Exception, _request: ApiRequest) -> BaseModel:
    raise error


def test_each_error_is_a_problem_with_its_sentence(
    api_context: ApiContext, new_key: NewKey
) -> None:
    errors: list[tuple[Exception, int, str]] = [
        (UsageError("x: no such thing"), 404, "x: no such thing"),
        (IssueError("is sent already"), 409, "is sent already"),
        (DatabaseError("locked"), 503, "the database is busy; try again"),
        (_SecretError("hidden words"), 500, "a fault of the program; the log has it under "),
    ]
    for error, status, text in errors:
        one = operation(run=partial(_fail, error))
        program = new_key(app=create_api(api_context, (one,)))
        answer = program.post("/things")
        assert detail(answer, status).startswith(text)
        assert "hidden" not in answer.text
        assert ("Retry-After" in answer.headers) is (status == 503)


def test_answers_have_the_security_headers_and_are_not_stored(program: Program) -> None:
    for path in ("/issues", "/nothing"):
        headers = program.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers


# --- how often


def test_a_key_that_asks_too_often_is_told_when_to_come_back(
    program: Program, new_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(requests, "uptime", lambda: now[0])
    statuses = [program.get("/issues").status_code for _request in range(101)]
    assert statuses == [200] * 100 + [429]
    answer = program.get("/issues")
    assert "too many requests" in detail(answer, 429)
    assert new_key().get("/issues").status_code == 200
    now[0] += int(answer.headers["Retry-After"])
    assert program.get("/issues").status_code == 200


def test_a_network_that_sends_wrong_keys_is_slowed_down_and_right_ones_are_not(
    api: flask.Flask, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "uptime", lambda: 1000.0)
    client = client_of(api)
    statuses = [client.get("/api/v1/issues").status_code for _request in range(21)]
    assert statuses == [401] * 20 + [429]
    assert program.get("/issues").status_code == 200


def test_limits_forget_who_has_not_asked_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(requests, "uptime", lambda: now[0])
    monkeypatch.setattr(requests, "_MOST_BUCKETS", 2)
    limits = requests.RequestLimits()
    pace = Pace(per_second=1, burst=1)
    assert [limits.count(who, pace) for who in ("a", "b")] == [0, 0]
    now[0] += 5
    assert limits.count("c", pace) == 0
    assert list(limits._tats) == ["c"]
