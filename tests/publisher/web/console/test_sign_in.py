"""Signing in over HTTP: invitations, passkeys, password and code, cookies, and where it leads."""

import html
import json
import re
from typing import Any

import flask
import pytest
import segno

from publisher.accounts.tables import (
    account_table,
    api_key_table,
    passkey_table,
    password_table,
)
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.visitor import PASSWORD, Visitor, invite

ANN = "ann@example.org"


@pytest.fixture
def ann(console: flask.Flask, publication: PublicationFolder) -> Visitor:
    return Visitor(console, publication.clock)


@pytest.fixture
def invitation(publication: PublicationFolder) -> str:
    return invite(publication, ANN)


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/").status_code == 200


def sign_in(visitor: Visitor, **fields: str) -> Any:
    return visitor.post("/sign-in/", email=ANN, password=PASSWORD, **fields)


def test_an_invitation_leads_to_a_password_with_codes_and_in(
    ann: Visitor, invitation: str
) -> None:
    page = ann.accept(invitation)
    assert ANN in page.text
    assert not is_in(ann)
    refused = ann.post("/invite/setup/password/", password="too short", code=ann.code())
    assert refused.status_code == 422
    assert "The password is too short" in refused.text
    done = ann.post("/invite/setup/password/", password=PASSWORD, code=ann.code())
    assert done.status_code == 200
    assert len(re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", done.text)) == 10
    assert is_in(ann)
    assert (
        Visitor(ann.app, ann.clock).post("/invite/", invitation=invitation).status_code == 422
    )


def modules(picture: str) -> set[tuple[int, int]]:
    """Read the dark modules of a QR code from its path, by row and column."""
    (path,) = re.findall(r'<path stroke="#000" d="([^"]+)"', picture)
    dark, x, y = set[tuple[int, int]](), 0, -0.5
    for command, numbers in re.findall(r"([mMh])([-\d. ]+)", path):
        values = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            dark |= {(int(y), column) for column in range(x, x + int(values[0]))}
            x += int(values[0])
        else:
            start = (0, 0.0) if command == "M" else (x, y)
            x, y = int(start[0] + values[0]), start[1] + values[1]
    return dark


def test_the_key_is_a_picture_too_which_nobody_else_gets_and_nothing_stores(
    ann: Visitor, invitation: str
) -> None:
    assert ann.get("/one-time-passwords.svg").status_code == 404
    page = ann.accept(invitation).text
    assert '<img src="/one-time-passwords.svg"' in page
    answer = ann.get("/one-time-passwords.svg")
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/svg+xml", "no-store")
    assert not re.search("style|script|class", answer.text)
    uri = re.search(r'href="(otpauth:[^"]+)"', page)
    assert uri is not None
    wanted = segno.make_qr(html.unescape(uri[1]), error="m").matrix_iter(border=4)
    assert modules(answer.text) == {
        (row, column)
        for row, line in enumerate(wanted)
        for column, is_dark in enumerate(line)
        if is_dark
    }
    ann.post("/invite/setup/password/", password=PASSWORD, code=ann.code())
    assert ann.get("/one-time-passwords.svg").status_code == 404
    ann.post("/account/password/begin/")
    assert ann.get("/one-time-passwords.svg").status_code == 200
    assert Visitor(ann.app, ann.clock).get("/one-time-passwords.svg").status_code == 404


def test_a_password_and_a_code_lead_back_to_where_one_was_going(
    ann: Visitor, invitation: str
) -> None:
    ann.enrol_password(invitation)
    ann.token = ""
    step = sign_in(ann, next="/audit/")
    assert step.location == "/sign-in/code/?next=/audit/"
    assert not is_in(ann)
    wrong = ann.post("/sign-in/code/", code="000000", next="/audit/")
    assert wrong.status_code == 422
    assert 'name="next" value="/audit/"' in wrong.text
    before = ann.token
    done = ann.post("/sign-in/code/", code=ann.code(1), next="/audit/")
    assert (done.status_code, done.location) == (303, "/audit/")
    assert is_in(ann)
    assert ann.token != before


def test_a_passkey_signs_in(ann: Visitor, invitation: str) -> None:
    ann.accept(invitation)
    answer = ann.device.register(ann.post("/invite/setup/options/").text)
    assert ann.post("/invite/setup/passkey/", answer=answer, label=" ").location == "/"
    assert is_in(ann)
    # A device without a name is called by its browser.
    assert re.search(r'<th scope="row">.*Werkzeug/', ann.get("/account/").text)
    again = Visitor(ann.app, ann.clock, device=ann.device)
    options = again.post("/sign-in/options/")
    assert options.mimetype == "application/json"
    before = again.token
    answer = json.dumps(ann.device.sign(options.text))
    done = again.post("/sign-in/passkey/", answer=answer, next="/")
    assert done.location == "/"
    assert is_in(again)
    assert again.token != before


def test_an_answer_that_is_none_signs_nobody_in(ann: Visitor, invitation: str) -> None:
    ann.enrol_passkey(invitation)
    ann.token = ""
    for answer in ("", "[]", "nothing", '{"rawId": 1}', '{"response": []}'):
        ann.post("/sign-in/options/")
        assert ann.post("/sign-in/passkey/", answer=answer).status_code == 422
        assert not is_in(ann)


def test_signing_in_leads_to_no_other_place(ann: Visitor, invitation: str) -> None:
    """Which places are others is told in `test_next_leads_nowhere_else`."""
    ann.enrol_password(invitation)
    ann.token = ""
    assert sign_in(ann, next="//evil.example").location == "/sign-in/code/?next=/"
    assert ann.post("/sign-in/code/", code=ann.code(1), next="https://evil").location == "/"


def test_signing_out_ends_the_session_on_the_server(ann: Visitor, invitation: str) -> None:
    ann.enrol_passkey(invitation)
    token = ann.token
    answer = ann.post("/sign-out/")
    assert answer.location == "/sign-in/?done=signed-out"
    assert answer.headers["Clear-Site-Data"] == '"cookies", "storage"'
    assert ann.token == ""
    assert "You are signed out." in ann.get("/sign-in/?done=signed-out").text
    ann.token = token
    assert not is_in(ann)


def test_too_many_tries_say_how_long_to_wait(ann: Visitor, invitation: str) -> None:
    ann.enrol_password(invitation)
    said = [ann.post("/sign-in/", email=ANN, password="no") for _ in range(6)]
    assert [one.status_code for one in said] == [422] * 5 + [429]
    assert said[-1].headers["Retry-After"] == "12"
    assert "Please wait for 12 seconds." in said[-1].text
    assert said[0].text.count("This is not right") == 1
    # What was typed comes back, but for the password.
    assert f'value="{ANN}"' in said[0].text


def test_no_page_for_signing_in_tells_who_has_an_account(ann: Visitor, invitation: str) -> None:
    ann.enrol_password(invitation)
    ann.token = ""
    known = ann.post("/sign-in/", email=ANN, password="no").text
    unknown = ann.post("/sign-in/", email="bob@example.org", password="no").text
    assert known.replace(ANN, "") == unknown.replace("bob@example.org", "")


def test_a_fresh_console_can_t_be_claimed(
    console: flask.Flask, ann: Visitor, publication: PublicationFolder
) -> None:
    for rule in console.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer = (
                ann.post(path, email=ANN, password=PASSWORD, role="administrator")
                if (method == "POST")
                else ann.get(path)
            )
            answer.close()
    assert not is_in(ann)
    assert ann.post("/invite/", invitation="").status_code == 422
    for table in (account_table, passkey_table, password_table, api_key_table):
        assert publication.rows(table) == []
