"""Forms that ask for what belongs to others: another language, account, kind of token."""

import re

import flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from publisher.accounts.api_keys import KeyRequest, add_api_key
from publisher.accounts.model import Grant, Permission, Role, account_actor
from publisher.accounts.store import find_account, set_grants
from publisher.app.issues.calendar import calendar_token
from publisher.web.console.application import ROUTES
from tests.publisher.app.approving import HOUR, issue_of
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.web.conftest import everything
from tests.publisher.web.console.conftest import SignIn, begin, browser
from tests.publisher.web.console.test_issue_approvals import (
    ARABIC,
    ENGLISH,
    PAGE,
    manifest_of,
    publication,
)
from tests.publisher.web.console.visitor import invite

__all__ = ["publication"]


def approve(client: FlaskClient, **fields: object) -> TestResponse:
    return client.post(f"{PAGE}approve/", data={"manifest": manifest_of(client), **fields})


def set_roles(publication: PublicationFolder, email: str, *roles: Role) -> None:
    with publication.database.writing() as connection:
        account = find_account(connection, email)
        assert account is not None
        set_grants(connection, account.id, [Grant(role) for role in roles])


def test_an_editor_who_becomes_an_approver_does_not_approve_own_edits(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client, other = sign_in("editor"), sign_in("approver")
    assert sign_in().get(PAGE).status_code == 200
    form = {"kind": "subject", "value": "My words"}
    assert client.post(f"{PAGE}edits/", data=form).status_code == 303
    assert client.post(f"{PAGE}approve/", data={"manifest": "0" * 64}).status_code == 403
    set_roles(publication, "editor-all-en@example.org", Role.APPROVER)
    answer = client.post(f"{PAGE}approve/", data={"manifest": manifest_of(other)})
    assert (answer.status_code, "has edited it" in answer.text) == (409, True)
    assert issue_of(publication, ENGLISH).state == "awaiting_approval"
    # Nor does an approval stay that its giver may not give any more.
    assert approve(other).status_code == 303
    set_roles(publication, "approver-all-en@example.org", Role.VIEWER)
    assert "may not approve" in client.get(PAGE).text


def test_a_form_that_names_another_language_s_issue_changes_nothing(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    chief = sign_in()
    form = {"kind": "subject", "value": "Their words"}
    assert chief.post(f"{PAGE}edits/", data=form).status_code == 303
    (edit,) = re.findall(r'name="edit" value="(\d+)"', chief.get(PAGE).text)
    english_as_it_is = {
        "manifest": manifest_of(sign_in("approver")),
        "plan_hash": "",
        "recipients": "",
    }
    editor, approver = sign_in("editor", "ar"), sign_in("approver", "ar")
    day = "/issues/day/weekly/2026-01-16/"
    before = everything(publication)
    asked = [
        (approver, f"/issues/{ARABIC}/approve-all/", {"name": ENGLISH, **english_as_it_is}),
        (editor, f"{day}skip/", {"language": "en", "why": "x"}),
        (editor, f"{day}move/", {"language": "en", "to": "2026-01-15T00:00"}),
        (editor, "/next/weekly/test/", {"language": "en", "to": "a@example.org"}),
        (editor, f"/issues/{ARABIC}/preview/test/", {"language": "en", "to": "a@example.org"}),
        (editor, f"{PAGE}edits/undo/", {"edit": edit}),
    ]
    for client, path, fields in asked:
        assert client.post(path, data=fields).status_code == 403, path
    # An edit of another issue is none of this one.
    assert editor.post(f"/issues/{ARABIC}/edits/undo/", data={"edit": edit}).status_code == 409
    assert everything(publication) == before


def test_a_token_of_one_kind_opens_nothing_else(
    publication: PublicationFolder, console: flask.Flask
) -> None:
    now = publication.clock.now()
    session = begin(publication, "administrator", None, "en", now)
    invitation = invite(publication, "new@example.org")
    with publication.database.writing() as connection:
        chief = find_account(connection, "administrator-all-en@example.org")
        assert chief is not None
        wanted = KeyRequest("ci", frozenset({Permission.VIEW}), None, 24 * HOUR)
        key = add_api_key(connection, chief.id, wanted, now)
    calendar = calendar_token(editing_state(publication), account_actor(chief, ""))
    nobody = browser(console)
    tokens = {"session": session, "invitation": invitation, "key": key, "calendar": calendar}
    opened = {
        name: {
            "session": browser(console, token).get("/").status_code == 200,
            "invitation": nobody.post("/invite/", data={"invitation": token}).status_code
            == 303,
            "calendar": nobody.get(f"/calendar/{token}.ics").status_code == 200,
            "feed": nobody.get(f"/translations/feeds/{token}/ar.rss").status_code == 200,
        }
        for name, token in tokens.items()
    }
    assert {name: [one for one in found if found[one]] for name, found in opened.items()} == {
        "session": ["session"],
        "invitation": ["invitation"],
        "key": [],
        "calendar": ["calendar"],
    }


def test_no_address_is_in_a_url(sign_in: SignIn) -> None:
    client, seen = sign_in(), set[str]()
    paths = ["/", PAGE, f"{PAGE}preview/", f"{PAGE}plan/", f"{PAGE}report/", "/accounts/1/"]
    paths += [
        "/subscribers/1/",
        *(r.path for r in ROUTES if "GET" in r.methods and "<" not in r.path),
    ]
    for path in paths:
        seen |= {*re.findall(r'(?:href|action|src)="([^"]*)"', client.get(path).text)}
    for path, name in (("/subscribers/", "address"), (f"{PAGE}preview/", "address")):
        seen.add(client.post(path, data={name: "ann-en@example.com"}).headers["Location"])
    assert len(seen) > 50
    assert [one for one in seen if re.search("@|%40|ann-en", one)] == []


def test_fields_that_a_form_does_not_have_change_nothing(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("viewer")
    before = everything(publication)
    more = {"role": "administrator", "status": "ready", "id": "1", "account_id": "1"}
    more |= {"email": "eve@example.org", "disabled_at": "", "grants": "administrator"}
    answer = client.post("/account/language/", data={"language": "ar", **more})
    assert answer.status_code == 303
    after = everything(publication)
    assert {name for name in after if after[name] != before[name]} == {"account", "audit_entry"}
    (old,) = (one for one in before["account"] if one not in after["account"])
    (new,) = (one for one in after["account"] if one not in before["account"])
    assert [(a, b) for a, b in zip(old, new, strict=True) if a != b] == [("en", "ar")]


def test_of_a_field_that_comes_twice_the_first_counts_and_a_query_is_no_field(
    publication: PublicationFolder, sign_in: SignIn
) -> None:
    client = sign_in("approver")
    manifest = manifest_of(client)
    twice = {"manifest": ["0" * 64, manifest]}
    assert client.post(f"{PAGE}approve/", data=twice).status_code == 409
    query = client.post(f"{PAGE}approve/?manifest={manifest}", data={"manifest": "0" * 64})
    assert query.status_code == 409
    assert client.post(f"{PAGE}approve/?manifest={manifest}").status_code == 409
    assert issue_of(publication, ENGLISH).state == "awaiting_approval"
    assert approve(client, note=["first", "second"]).status_code == 303
    assert "first" in client.get(PAGE).text
    assert "second" not in client.get(PAGE).text.replace("seconds", "")
