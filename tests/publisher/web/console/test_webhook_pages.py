"""Webhooks in the console: added, tested, disabled and removed by administrators, and by nobody else."""

import re
from dataclasses import replace

import flask
import pytest

from publisher.config.web import WebhookSettings
from publisher.web.console.application import create_console
from publisher.web.console.context import ConsoleContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.web.console.conftest import SignIn
from tests.publisher.webhooks.receiver import receiving

ONE = "/webhooks/1/"


@pytest.fixture
def console(console_context: ConsoleContext, publication: PublicationFolder) -> flask.Flask:
    """A console whose webhooks may be on this machine."""
    settings = replace(publication.settings, webhooks=WebhookSettings(loopback=True))
    return create_console(replace(console_context, current_settings=lambda: settings))


def test_a_webhook_is_added_tested_and_shows_what_was_answered(sign_in: SignIn) -> None:
    client = sign_in()
    assert 'href="/webhooks/"' in client.get("/").text
    with receiving() as receiver:
        form = {"url": receiver.url, "event": ["issue.sent"]}
        added = client.post("/webhooks/", data=form).text
        found = re.search(r"whsec_[\w+/=]+", added)
        assert found is not None
        page = client.post(f"{ONE}test/").text
        assert "The test was accepted:" in page
        (request,) = receiver.requests
        assert request.headers["webhook-signature"].startswith("v1,")
    assert "The test was not accepted:" in client.post(f"{ONE}test/").text
    # The secret is shown once, and nowhere else.
    for path in ("/webhooks/", ONE):
        page = client.get(path).text
        assert receiver.url in page
        assert "whsec_" not in page
    new = client.post(f"{ONE}rotate/").text
    assert "whsec_" in new
    assert found[0] not in new


def test_a_webhook_is_disabled_enabled_and_removed(sign_in: SignIn) -> None:
    client = sign_in(pages="zh-Hans")
    refused = client.post("/webhooks/", data={"url": 'ftp://x.example/"<b>'})
    assert refused.status_code == 422
    # It stays in its field with the reason.
    assert 'value="ftp://x.example/&#34;&lt;b&gt;"' in refused.text
    assert 'id="url-error"' in refused.text
    client.post("/webhooks/", data={"url": "https://example.org/hook"})
    assert client.post(f"{ONE}disable/").location == f"{ONE}?done=saved"
    assert "手动停用" in client.get(ONE).text
    assert client.post(f"{ONE}enable/").status_code == 303
    assert "手动停用" not in client.get(ONE).text
    assert client.post(f"{ONE}remove/").location == "/webhooks/?done=removed"
    assert client.get(ONE).status_code == 404
