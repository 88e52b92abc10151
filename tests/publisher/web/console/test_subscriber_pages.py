"""Subscribers in the console: search, one of them, and export."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from publisher.app.subscribers.records import import_subscribers
from subscribers.changes import suppress
from subscribers.model import SubscriberStatus
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.web.console.conftest import SignIn, audit_log

ANN, ANNE, BOB = "ann@example.com", "anne@example.com", "bob_x@example.com"


@pytest.fixture
def owner(sign_in: SignIn, publication: PublicationFolder) -> FlaskClient:
    """Somebody at the subscribers' desk, among three subscribers."""
    client = sign_in("subscriber-desk")
    subscribe(publication, (ANN, "en"), (ANNE, "en"), (BOB, "ar"))
    return client


def test_an_address_or_its_beginning_leads_to_its_subscriber_and_no_pattern_does(
    owner: FlaskClient,
) -> None:
    found = owner.post("/subscribers/", data={"address": " ANN@Example.com "})
    assert found.location == "/subscribers/1/"
    page = owner.get("/subscribers/1/")
    assert ANN in page.text
    assert "weekly" in page.text
    listed = owner.post("/subscribers/", data={"address": "ANN"}).text
    assert [one for one in (ANN, ANNE, BOB) if f">{one}<" in listed] == [ANN, ANNE]
    assert owner.post("/subscribers/", data={"address": "bob_"}).location == "/subscribers/3/"
    for nothing in ("%%%", "bob%", "ann_", "nobody@example.com"):
        text = owner.post("/subscribers/", data={"address": nothing}).text
        assert "Nobody has such an address." in text, nothing
    short = owner.post("/subscribers/", data={"address": "an"})
    assert short.status_code == 422


def test_somebody_is_unsubscribed_and_subscribed_again_with_a_note_but_not_after_a_complaint(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    form = {"newsletter": "weekly", "note": "by telephone <b>"}
    done = owner.post("/subscribers/1/unsubscribe/", data=form)
    assert done.location == "/subscribers/1/?done=saved"
    page = owner.get("/subscribers/1/").text
    assert "by telephone &lt;b&gt;" in page
    assert "unsubscribed" in page
    owner.post("/subscribers/1/resubscribe/", data=form)
    entries = audit_log(publication)
    assert [(one.verb, one.object) for one in entries[:2]] == [
        ("resubscribe", "subscriber 1"),
        ("unsubscribe", "subscriber 1"),
    ]
    # Whoever reads the log learns no address of a subscriber.
    assert ANN not in str(entries)
    wrong = owner.post("/subscribers/1/unsubscribe/", data={"newsletter": "daily"})
    assert wrong.status_code == 404
    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, publication.clock.now())
    refused = owner.post("/subscribers/1/resubscribe/", data={"newsletter": "", "note": "x"})
    assert refused.status_code == 409
    assert "reported as spam" in owner.get("/subscribers/1/").text


def test_all_data_of_somebody_are_a_file_and_erased_only_if_one_is_sure(
    owner: FlaskClient, sign_in: SignIn
) -> None:
    late = sign_in("subscriber-desk", pages="ar", ago=timedelta(minutes=11))
    assert late.get("/subscribers/1/").status_code == 200
    asked = late.get("/subscribers/1/data.json")
    assert asked.location == "/sign-in/again/?next=/subscribers/1/data.json"
    assert ANN not in asked.text
    answer = owner.get("/subscribers/1/data.json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subscriber-1.json"'
    assert ANN in json.dumps(json.loads(answer.text))
    owner.post("/subscribers/1/erase/")
    assert owner.get("/subscribers/1/").status_code == 200
    owner.post("/subscribers/1/erase/", data={"sure": "yes"})
    assert owner.get("/subscribers/1/").status_code == 404
    assert owner.get("/subscribers/1/data.json").status_code == 404


def test_an_export_is_a_list_that_can_be_imported_and_is_recorded(
    owner: FlaskClient, publication: PublicationFolder
) -> None:
    answer = owner.post("/subscribers/export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="subscribers.csv"'
    assert all(address in answer.text for address in (ANN, ANNE, BOB))
    assert (audit_log(publication)[0].verb, audit_log(publication)[0].details["count"]) == (
        "export-subscribers",
        3,
    )
    lines = answer.data.splitlines(keepends=True)
    settings, database = publication.settings, publication.database
    report = import_subscribers(settings, database, lines, publication.clock.now())
    assert (report.unchanged, report.taken) == (3, 3)
