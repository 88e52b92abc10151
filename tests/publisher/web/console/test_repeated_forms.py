"""Forms that are sent twice: what they make is made once, and whoever clicked twice sees it."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import flask
import pytest
from flask.testing import FlaskClient

from publisher.clock import FixedClock
from publisher.errors import RepeatedFormError, WebhookError
from publisher.web.console.context import KEPT_ANSWER, RepeatedForms
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import pipeline_of
from tests.publisher.web.console.conftest import SignIn, audit_log

NEW = {"email": "new@example.org", "name": "New", "role": "viewer"}
KEY = {"label": "ci", "scope": "view", "days": "90"}
HOOK = {"url": "https://hook.example.org/"}
TEST = {"to": "eve@example.org", "language": "en"}
# A form, the page it stands on, and what the audit log has of it.
ONCE: list[tuple[str, str, dict[str, str], str]] = [
    ("/accounts/", "/accounts/", NEW, "add-account"),
    ("/accounts/1/recover/", "/accounts/1/", {}, "recover-account"),
    ("/keys/", "/keys/", KEY, "add-key"),
    ("/webhooks/", "/webhooks/", HOOK, "add-webhook"),
    ("/webhooks/1/rotate/", "/webhooks/1/", {}, "rotate-webhook"),
    ("/webhooks/1/test/", "/webhooks/1/", {}, "test-webhook"),
    ("/next/weekly/test/", "/next/weekly/", TEST, "send-test"),
]


def key_of(client: FlaskClient, page: str, action: str) -> str:
    form = re.search(
        rf'<form [^>]*action="{action}".*?</form>', client.get(page).text, re.DOTALL
    )
    assert form is not None
    found = re.search(r'name="once" value="([\w-]{20,})"', form[0])
    assert found is not None, form[0]
    return found[1]


def verbs(publication: PublicationFolder) -> Counter[str]:
    return Counter(entry.verb for entry in audit_log(publication))


@pytest.mark.parametrize(("action", "page", "fields", "verb"), ONCE)
def test_a_form_that_is_sent_twice_is_carried_out_once_and_answered_twice(
    sign_in: SignIn,
    publication: PublicationFolder,
    action: str,
    page: str,
    fields: dict[str, str],
    verb: str,
) -> None:
    sign_in("viewer")
    publication.pick_up_file("en/ferry.md", "It sails.", title="Ferry", date="2026-01-04")
    client = sign_in()
    if "/1/" in action and "webhooks" in action:
        client.post("/webhooks/", data=HOOK)
    form = {**fields, "once": key_of(client, page, action)}
    known = verbs(publication)[verb]
    first, second = (client.post(action, data=form) for _time in range(2))
    assert first.status_code in {200, 303}, first.text
    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert second.location == first.location
    assert verbs(publication)[verb] == known + 1


def test_a_form_has_a_key_of_its_page(sign_in: SignIn, publication: PublicationFolder) -> None:
    publication.write("en/ferry.md", "It sails.", title="Ferry", date="2026-01-05")
    pipeline_of(publication).prepare()
    client, day = sign_in(), "/issues/day/weekly/2026-01-16/"
    issue, own = "/issues/weekly-en-2026-01-09/", "/translations/mine/"
    for page, action in (
        ("/issues/", "/calendar/address/"),
        *((day, f"{day}move/"), (issue, f"{issue}schedule/"), (own, f"{own}feeds/")),
    ):
        assert key_of(client, page, action) != key_of(client, page, action)


def test_somebody_else_and_other_words_make_another_form(sign_in: SignIn) -> None:
    ann, bob, form = sign_in(), sign_in(pages="zh-Hant"), {**HOOK, "once": "a key"}
    answers = [
        ann.post("/webhooks/", data=form).text,
        ann.post("/webhooks/", data={**form, "event": "issue.sent"}).text,
        ann.post("/webhooks/", data=form).text,
        bob.post("/webhooks/", data=form).text,
    ]
    assert answers[0] == answers[2]
    assert len({*answers}) == 3


def test_of_forms_that_are_sent_at_once_one_is_carried_out() -> None:
    forms, clock = RepeatedForms(), FixedClock(NOW)
    may_end, carried_out = Event(), []

    def carry_out() -> flask.Response:
        carried_out.append(1)
        may_end.wait()
        return flask.Response("a secret")

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(forms.answer, "form", clock, carry_out) for _one in range(4)]
        may_end.set()
        assert {one.result().get_data(as_text=True) for one in answers} == {"a secret"}
    assert carried_out == [1]


def test_an_answer_is_forgotten_and_its_form_is_not() -> None:
    forms = RepeatedForms()
    forms.answer("form", FixedClock(NOW), lambda: flask.Response("a secret"))
    later = FixedClock(NOW + KEPT_ANSWER)
    for _time in range(2):
        with pytest.raises(RepeatedFormError, match="carried out once"):
            forms.answer("form", later, lambda: flask.Response("another one"))


def test_a_form_that_was_refused_may_be_sent_again() -> None:
    forms, clock = RepeatedForms(), FixedClock(NOW)

    def fail() -> flask.Response:
        raise WebhookError("no address")

    with pytest.raises(WebhookError):
        forms.answer("form", clock, fail)
    assert forms.answer("form", clock, lambda: flask.Response("no", 422)).get_data() == b"no"
    assert forms.answer("form", clock, lambda: flask.Response("yes")).get_data() == b"yes"
    assert forms.answer("form", clock, lambda: flask.Response("again")).get_data() == b"yes"
