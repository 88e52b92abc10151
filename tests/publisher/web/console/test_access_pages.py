"""Pages of one's own account, of accounts, keys and the audit log."""

import html
import json
import re
from dataclasses import replace
from datetime import timedelta

import flask
import pytest
from sqlalchemy import text

from publisher.clock import FixedClock
from publisher.web.console.accounts.sign_in import browser_name
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.accounts.test_accounts import without_trigger
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.web.console.visitor import PASSWORD, Visitor, invite

ANN, BOB = "ann@example.org", "bob@example.org"


@pytest.fixture
def ann(console: flask.Flask, publication: PublicationFolder) -> Visitor:
    """An administrator who is signed in by a password."""
    visitor = Visitor(console, publication.clock)
    visitor.enrol_password(invite(publication, ANN))
    return visitor


def later(visitor: Visitor, context: ConsoleContext, **after: int) -> Visitor:
    """Give the same browser so long after."""
    clock = FixedClock(context.clock.now() + timedelta(**after))
    app = create_console(replace(context, clock=clock))
    return replace(visitor, app=app, clock=clock)


def add_passkey(visitor: Visitor) -> None:
    options = visitor.post("/account/passkeys/options/").text
    answer = visitor.device.register(options)
    done = visitor.post("/account/passkeys/", answer=answer, label="My phone")
    assert done.location == "/account/?done=saved"


# One's own account


def test_browsers_have_the_names_that_people_know() -> None:
    iphone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
    )
    edge = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"
    )
    linux = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
    for user_agent, name in (
        *((linux, "Firefox, Linux"), (iphone, "Safari, iPhone"), (edge, "Edge, Windows")),
        *(("curl/8.16.0", "curl/8.16.0"), ("", "")),
    ):
        assert browser_name(user_agent) == name


def test_one_s_own_passkeys_are_added_and_removed_but_not_the_last_way_to_sign_in(
    ann: Visitor,
) -> None:
    refused = ann.post("/account/password/remove/")
    assert refused.status_code == 422
    assert "Nothing would be left to sign in with." in refused.text
    add_passkey(ann)
    page = ann.get("/account/")
    assert "My phone" in page.text
    assert "10 recovery codes are left." in page.text
    assert ann.post("/account/passkeys/remove/", number="1").location
    assert "My phone" not in ann.get("/account/").text
    assert ann.post("/account/passkeys/remove/", number="no").status_code == 409
    add_passkey(ann)
    assert ann.post("/account/password/remove/").status_code == 303
    assert "Not set up." in ann.get("/account/").text
    assert ann.post("/account/language/", language="ar").location == "/account/?done=saved"
    assert '<html lang="ar" dir="rtl">' in ann.get("/account/").text
    assert ann.post("/account/language/", language="fr").status_code == 409


def test_everybody_chooses_when_to_be_told_of_what(
    ann: Visitor,
) -> None:
    page = ann.get("/account/").text
    assert page.count('<option value="now" selected>At once</option>') == 6
    assert '<option value="never" selected>Never</option>' in page  # what is to be translated
    done = ann.post("/account/mails/", held="daily", sources="never", changes="often")
    assert done.location == "/account/?done=saved"
    page = ann.get("/account/").text
    held = page.partition('<select id="held"')[2].partition("</select>")[0]
    assert '<option value="daily" selected>Once a day' in held
    assert page.count(" selected>At once</option>") == 4


def test_the_password_is_changed_and_set_up_anew(ann: Visitor) -> None:
    short = ann.post("/account/password/change/", password="short")
    assert "The password is too short" in short.text
    assert ann.post("/account/password/change/", password="five short boats ashore").location
    assert ann.get("/account/password/").location == "/account/"
    assert ann.post("/account/password/begin/").location == "/account/password/"
    page = ann.get("/account/password/").text
    old = ann.totp
    ann.totp = re.search(r"secret=(\w+)", html.unescape(page))[1]  # type: ignore[index]
    assert ann.totp != old
    wrong = ann.post("/account/password/", password=PASSWORD, code="000000")
    assert (wrong.status_code, ann.totp in wrong.text) == (422, True)
    done = ann.post("/account/password/", password=PASSWORD, code=ann.code())
    assert done.text.count("-") > 30
    codes = re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", done.text)
    once = re.search(
        r'/account/codes/".*?once" value="([^"]+)"', ann.get("/account/").text, re.DOTALL
    )
    assert once is not None
    renewed = ann.post("/account/codes/", once=once[1]).text
    assert codes[0] not in renewed
    # A reload.
    assert ann.post("/account/codes/", once=once[1]).text == renewed
    assert codes[0] not in ann.get("/account/").text


def test_another_session_is_ended_and_one_s_own_is_marked(ann: Visitor) -> None:
    other = Visitor(ann.app, ann.clock, totp=ann.totp)
    other.post("/sign-in/", email=ANN, password=PASSWORD)
    other.post("/sign-in/code/", code=ann.code(1))
    page = ann.get("/account/").text
    assert page.count("this one") == 1
    (session,) = re.findall(r'name="session" value="([^"]+)"', page)
    ann.post("/account/sessions/end/", session=session)
    assert other.get("/").location == "/sign-in/?next=/"
    assert ann.get("/").status_code == 200


def test_after_ten_minutes_changes_need_a_proof_which_leads_back(
    ann: Visitor, console_context: ConsoleContext
) -> None:
    after = later(ann, console_context, minutes=11)
    page = after.get("/account/").text
    assert "/sign-in/again/?next=/account/" in page
    assert "/account/password/change/" not in page
    assert after.post("/account/codes/").location.startswith("/sign-in/again/")
    proof = {"password": PASSWORD, "code": after.code(), "next": "/account/"}
    assert after.post("/sign-in/again/", **proof | {"code": "1"}).status_code == 422
    before = after.token
    assert (
        after.post("/sign-in/again/", **proof | {"again": "yes"}).location
        == "/account/?done=proved"
    )
    assert "press the button once more" in after.get("/account/?done=proved").text
    assert after.token != before
    assert "/account/password/change/" in after.get("/account/").text
    # A passkey proves it, too.
    add_passkey(after)
    after = later(after, console_context, minutes=22)
    answer = json.dumps(after.device.sign(after.post("/sign-in/again/options/").text))
    done = after.post("/sign-in/again/passkey/", answer=answer, next="/keys/")
    assert done.location == "/keys/"
    assert "New key" in after.get("/keys/").text


# Accounts


def test_an_administrator_invites_changes_disables_and_recovers(ann: Visitor) -> None:
    page = ann.post(
        "/accounts/", email=BOB, name="Bob", language="ar", role=["editor:ar", "viewer"]
    )
    link = re.search(r"http://localhost:8090/invite/#([\w-]+)", page.text)
    assert link is not None
    # Mails become files here, so nobody is told that it was mailed.
    assert "Send this link by a way that only this person reads" in page.text
    assert 'data-copy="link"' in page.text
    bob = Visitor(ann.app, ann.clock)
    bob.enrol_passkey(link[1])
    assert '<html lang="ar" dir="rtl">' in bob.get("/").text
    assert bob.get("/accounts/").status_code == 403
    assert link[1] not in ann.get("/accounts/").text
    assert BOB in ann.get("/accounts/").text
    assert re.search(r'value="editor:ar" checked', ann.get("/accounts/2/").text)
    assert ann.post("/accounts/2/roles/", role="administrator").location
    assert bob.get("/accounts/").status_code == 200
    ann.post("/accounts/2/disable/")
    assert bob.get("/").location == "/sign-in/?next=/"
    ann.post("/accounts/2/enable/")
    assert "/invite/#" in ann.post("/accounts/2/recover/").text
    assert "invited" in ann.get("/accounts/2/").text
    assert bob.get("/").status_code == 303


def test_a_refused_invitation_keeps_its_form(ann: Visitor) -> None:
    form = {"email": "bob at home", "name": "Bob", "language": "ar", "role": "editor:ar"}
    for changed, why in (
        ({}, "is no e-mail address"),
        ({"email": ANN}, "has an account already"),
        ({"email": BOB, "role": ""}, "is no role"),
    ):
        refused = ann.post("/accounts/", **form | changed)
        assert (refused.status_code, why in refused.text) == (422, True)
        kept = (form | changed)["email"]
        assert f'type="email" value="{kept}"' in refused.text
        assert 'value="Bob"' in refused.text
        assert 'value="ar" lang="ar" dir="rtl" selected' in refused.text
        assert ('value="editor:ar" checked' in refused.text) is ("role" not in changed)


def test_what_can_t_be_done_says_why(ann: Visitor) -> None:
    for path, status, words in (
        ("/accounts/1/disable/", 409, "one administrator has to be left"),
        ("/accounts/1/roles/", 422, "needs a role"),
        ("/accounts/99/disable/", 404, ""),
    ):
        answer = ann.post(path)
        assert answer.status_code == status, path
        assert words in html.unescape(answer.text)
    assert ann.get("/accounts/").status_code == 200


# Keys


def test_a_key_is_shown_once_and_revoked_and_has_no_more_than_its_owner(
    ann: Visitor, sign_in: SignIn
) -> None:
    made = ann.post(
        "/keys/", label="<b>ci", scope=["view", "approve"], language="ar", days="30"
    )
    key = re.search(r"pub_1_[\w-]{43}", made.text)
    assert key is not None
    assert "<b>ci" not in made.text
    page = ann.get("/keys/").text
    assert key[0] not in page
    assert "approve, view" in page
    assert ann.post("/keys/revoke/", number="1").location
    assert "revoked" in ann.get("/keys/").text
    assert ann.post("/keys/revoke/", number="x").status_code == 404
    viewer = sign_in("viewer")
    assert re.findall(
        r'name="scope" type="checkbox" value="([^"]+)"', viewer.get("/keys/").text
    ) == ["view"]
    form = {"label": "x", "scope": "approve", "days": "30"}
    refused = viewer.post("/keys/", data=form)
    assert refused.status_code == 422
    assert 'value="approve" checked' not in refused.text
    assert f'value="{form["label"]}"' in refused.text
    assert viewer.post("/keys/", data=form | {"days": "4000"}).status_code == 404


# The audit log


def test_the_audit_log_is_shown_in_pages_and_checked(
    ann: Visitor, publication: PublicationFolder
) -> None:
    for _ in range(51):
        ann.post("/account/language/", language="en")
    first = ann.get("/audit/").text
    assert first.count("set-language") == 50
    older = re.search(r'href="(/audit/\?before=\d+)"', first)
    assert older is not None
    assert "add-account" in ann.get(older[1]).text
    assert "No entry was changed, up to number 54." in ann.get("/audit/check/").text
    with publication.database.writing() as connection:
        without_trigger(connection)
        connection.execute(text("DELETE FROM audit_entry WHERE id = 2"))
    assert "Entries before 3 are missing." in ann.get("/audit/check/").text
