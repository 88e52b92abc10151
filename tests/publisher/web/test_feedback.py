"""Webhooks over HTTP: the answers that providers get."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from publisher.bounces.store import bounce_event
from publisher.config import web
from publisher.web.pages.responses import WebContext
from tests.publisher.conftest import PublicationFolder

PATH = "/feedback/postmark/a-long-secret/"
COMPLAINT = {"RecordType": "SpamComplaint", "ID": 7, "Email": "ann@example.com"}


@pytest.fixture
def context(context: WebContext, publication: PublicationFolder) -> WebContext:
    feedback = web.FeedbackSettings(
        postmark=web.PostmarkFeedback(), ses=web.SesFeedback(topics=("arn:x",))
    )
    secrets = {web.FEEDBACK_SECRET: SecretStr("a-long-secret")}
    publication.settings = replace(publication.settings, feedback=feedback, secrets=secrets)
    return context


def test_an_event_is_stored_before_the_answer(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    # Providers send no origin; whoever sends another one is answered as well.
    elsewhere = {"Origin": "https://mail.example.com", "Sec-Fetch-Site": "cross-site"}
    for headers in ({}, elsewhere, {"Origin": "null"}):
        answer = client.post(PATH, json=COMPLAINT, headers=headers)
        assert answer.status_code == 200
        assert {"Location", "Set-Cookie"}.isdisjoint({*answer.headers.keys()})
    (row,) = publication.rows(bounce_event)
    assert (row["source"], row["source_id"], row["kind"]) == ("postmark", "7", "complaint")


def test_without_its_secret_or_its_table_a_webhook_is_not_found(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    for path in ("postmark/another-secret", "mailgun/a-long-secret", "nobody/a-long-secret"):
        assert client.post(f"/feedback/{path}/", json=COMPLAINT).status_code == 404
    assert publication.rows(bounce_event) == []


def test_what_proves_nothing_is_too_large_or_no_post_is_refused_and_unknown_events_are_not(
    client: FlaskClient,
) -> None:
    other = {"TopicArn": "arn:other"}
    assert client.post("/feedback/ses/a-long-secret/", json=other).status_code == 403
    assert client.post(PATH, data=b"no JSON").status_code == 403
    assert client.post(PATH, data=b"x" * 1_000_001).status_code == 413
    assert client.get(PATH).status_code == 405
    assert client.post(PATH, json={"RecordType": "Open"}).status_code == 200


def test_text_that_no_database_stores_is_stored_without_it(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    body = '{"RecordType": "Bounce", "ID": "7\\u0000\\ud800", "Details": "550 \\u0000\\udfff"}'
    assert client.post(PATH, data=body).status_code == 200
    assert publication.rows(bounce_event)[0]["source_id"] == "7?"
