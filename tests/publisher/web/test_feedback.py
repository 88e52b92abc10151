"""Webhooks over HTTP: the answers that providers get."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from publisher.bounces.tables import bounce_event
from publisher.config.feedback import (
    FEEDBACK_SECRET,
    FeedbackSettings,
    PostmarkFeedback,
    SesFeedback,
)
from publisher.errors import WriterUnavailableError
from publisher.web.context import WebContext
from tests.publisher.conftest import PublicationFolder

PATH = "/feedback/postmark/a-long-secret/"
COMPLAINT = {"RecordType": "SpamComplaint", "ID": 7, "Email": "ann@example.com"}


@pytest.fixture
def context(context: WebContext, publication: PublicationFolder) -> WebContext:
    """With webhooks."""
    feedback = FeedbackSettings(postmark=PostmarkFeedback(), ses=SesFeedback(topics=("arn:x",)))
    secrets = {FEEDBACK_SECRET: SecretStr("a-long-secret")}
    publication.settings = replace(publication.settings, feedback=feedback, secrets=secrets)
    return context


def test_an_event_is_stored_before_the_answer(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    for _ in range(2):
        assert client.post(PATH, json=COMPLAINT).status_code == 200
    (row,) = publication.rows(bounce_event)
    assert (row["source"], row["source_id"], row["kind"]) == ("postmark", "7", "complaint")


def test_an_unknown_kind_of_event_is_accepted(client: FlaskClient) -> None:
    assert client.post(PATH, json={"RecordType": "Open"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/feedback/postmark/another-secret/",
        "/feedback/mailgun/a-long-secret/",
        "/feedback/nobody/a-long-secret/",
    ],
)
def test_without_its_secret_or_its_table_a_webhook_is_not_found(
    client: FlaskClient, publication: PublicationFolder, path: str
) -> None:
    assert client.post(path, json=COMPLAINT).status_code == 404
    assert publication.rows(bounce_event) == []


def test_a_request_that_proves_nothing_is_refused(client: FlaskClient) -> None:
    answer = client.post("/feedback/ses/a-long-secret/", json={"TopicArn": "arn:other"})
    assert answer.status_code == 403
    assert client.post(PATH, data=b"no JSON").status_code == 403


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    assert client.post(PATH, data=b"x" * 1_000_001).status_code == 413


def test_nothing_is_written_for_get(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 405


def test_text_that_no_database_stores_is_stored_without_it(
    client: FlaskClient, publication: PublicationFolder
) -> None:
    body = '{"RecordType": "Bounce", "ID": "7\\u0000\\ud800", "Details": "550 \\u0000\\udfff"}'
    assert client.post(PATH, data=body).status_code == 200
    assert publication.rows(bounce_event)[0]["source_id"] == "7?"


def test_an_event_that_was_not_stored_is_not_acknowledged(
    client: FlaskClient, context: WebContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_job: object) -> None:
        raise WriterUnavailableError("busy")

    monkeypatch.setattr(type(context.writer), "run", lambda _self, job: busy(job))
    answer = client.post(PATH, json=COMPLAINT)
    assert answer.status_code == 503
