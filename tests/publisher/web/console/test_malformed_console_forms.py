"""No value of a field, a part of a path or a header makes the console fail, whoever sends it."""

from __future__ import annotations

from datetime import timedelta

import flask
import pytest

from publisher.web.console.application import ROUTES
from publisher.web.console.sign_in import SIGN_OUT_PATH
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.test_every_console_route import path_of

# What numbers, dates, names and texts are not: too large, in other digits, not for a database.
VALUES = (
    *("9" * 1999, "-1", "²", "a\0b\ud800", "\r\nX: \u2028\u202e"),
    *("9999-12-31T23:59", "0001-01-01T00:00", "[]", "../../etc/passwd' OR 1=1 --"),
)
FIELDS = (
    *(
        "email",
        "password",
        "code",
        "next",
        "answer",
        "label",
        "invitation",
        "language",
        "number",
    ),
    *(
        "kind",
        "value",
        "story",
        "edit",
        "manifest",
        "note",
        "changes",
        "at",
        "why",
        "name",
        "to",
    ),
    *("reason", "until", "wanted", "key", "seen", "source", "lost", "role", "scope", "days"),
    *("session", "subject", "text", "how", "address", "as", "length", "more", "confirmed"),
    *("name.en", "affiliation.ar", "aliases", "url", "undo", "approval", "schedule"),
)
# What a form chooses from, so that the other fields are read.
CHOSEN: dict[str, dict[str, str]] = {
    "/issues/<issue>/edits/": {"kind": "move"},
    "/calendar/<newsletter>/<day>/move/": {"language": "ar"},
    "/calendar/<newsletter>/<day>/skip/": {"language": "ar"},
    "/issues/<issue>/preview/test/": {"language": "ar"},
    "/next/<newsletter>/test/": {"language": "ar"},
    "/keys/": {"days": "30", "scope": "view"},
}
POSTS = [one for one in ROUTES if one.methods == ("POST",) and one.path != SIGN_OUT_PATH]


@pytest.fixture(autouse=True)
def arabic_issue(publication: PublicationFolder, console: flask.Flask) -> None:  # noqa: ARG001  # it sets the languages
    publication.write("ar/tides.md", "المد ينتظر.", title="المد", date="2026-01-05")
    pipeline_of(publication).prepare()


def test_no_value_of_a_field_is_a_fault_of_the_console(sign_in: SignIn) -> None:
    client, faults = sign_in(), []
    for route in POSTS:
        for value in VALUES:
            form = {name: value.encode("utf-8", "surrogatepass") for name in FIELDS}
            answer = client.post(path_of(route), data=form | CHOSEN.get(route.path, {}))
            answer.close()
            if answer.status_code >= 500:
                faults.append((route.path, value[:20]))
    assert faults == []


def test_no_query_is_a_fault_of_the_console(sign_in: SignIn) -> None:
    client, faults = sign_in(), []
    names = ("before", "old", "new", "as", "length", "more", "from", "done", "after", "lang")
    for route in ROUTES:
        for value in VALUES if "GET" in route.methods else ():
            text = value.encode("utf-8", "replace").decode()
            for query in [dict.fromkeys(names, text)] if "as" not in text else []:
                answer = client.get(path_of(route), query_string=query)
                answer.close()
                if answer.status_code >= 500:
                    faults.append((route.path, value[:20]))
    assert faults == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8090 x",
        "localhost:abc",
        "localhost:99999",
        "localhost:",
        "localhost/evil",
        "x@localhost:8090",
        "[::1",
    ],
)
def test_no_host_is_a_fault_of_the_console(sign_in: SignIn, host: str) -> None:
    client = sign_in()
    for path in ("/", "/calendar/", "/previews/x/mail-light/"):
        assert client.get(path, headers={"Host": host}).status_code in {303, 421}


@pytest.mark.parametrize("huge", ["9" * 30, "9" * 18, str(2**31)])
def test_a_number_in_a_path_is_one_that_a_database_can_store(
    sign_in: SignIn, huge: str
) -> None:
    client = sign_in()
    for path in (f"/subscribers/{huge}/", f"/accounts/{huge}/", f"/translations/ar/{huge}/"):
        assert client.get(path).status_code == 404
    edited = {"kind": "move", "value": "1", "story": huge, "edit": huge}
    for path in ("/subscribers/1/erase/", "/issues/weekly-ar-2026-01-09/edit/"):
        assert client.post(path, data=edited).status_code < 500
    assert client.get(f"/audit/?before={huge}").status_code == 200


def test_cancelling_asks_for_a_factor_shown_just_now_and_pausing_does_not(
    sign_in: SignIn,
) -> None:
    client = sign_in(ago=timedelta(minutes=11))
    cancelled = client.post("/issues/weekly-ar-2026-01-09/cancel/")
    here = "/issues/weekly-ar-2026-01-09/"
    assert cancelled.headers["Location"] == f"/sign-in/again/?next={here}&again=yes"
    # Back to the page that had the button, as the browser names it, and never to another host.
    for referrer, back in (
        ("http://localhost:8090" + here + "sending/", here + "sending/"),
        ("https://evil.example//evil.example/", here),
        ("https://evil.example/no-such-page/", here),
    ):
        answer = client.post(here + "cancel/", headers={"Referer": referrer})
        assert answer.headers["Location"] == f"/sign-in/again/?next={back}&again=yes"
    assert client.post("/issues/weekly-ar-2026-01-09/pause/").status_code == 409
