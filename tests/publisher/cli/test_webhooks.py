"""`publisher webhooks`, from adding a webhook to removing it."""

import json
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Verifier

from publisher.app.editing_state import open_editing_state
from publisher.clock import SystemClock
from publisher.config import load_settings
from publisher.webhooks import store
from publisher.webhooks.events import EventType
from tests.publisher.cli.conftest import Run
from tests.publisher.webhooks.receiver import receiving


@pytest.fixture
def folder(folder: Path) -> Path:
    with (folder / "publication.toml").open("a", encoding="utf-8") as file:
        file.write("\n[webhooks]\nloopback = true\n")
    return folder


def test_a_webhook_is_added_tested_and_removed(folder: Path, run: Run) -> None:
    assert run("webhooks", "list", folder) == (0, "there are no webhooks\n", "")
    with receiving() as receiver:
        code, out, _err = run("webhooks", "add", receiver.url, folder, "--event", "issue.sent")
        first, secret = out.splitlines()
        assert (code, first) == (
            0,
            "webhook 1 is added. Its secret, which is not shown again:",
        )
        assert run("webhooks", "test", 1, folder) == (0, "webhook 1: 204 No Content\n", "")
        (request,) = receiver.requests
        event = Verifier(secret).verify(request.body, dict(request.headers))
        assert event["type"] == "webhook.test"
        listed = run("webhooks", "list", folder)[1]
        counts = "0 pending, 0 delivered, 0 failed"
        assert listed == f"1  {receiver.url}  issue.sent  {counts}\n"
        new = run("webhooks", "rotate", 1, folder)[1].splitlines()[1]
        run("webhooks", "test", 1, folder)
        for each in (secret, new):
            Verifier(each).verify(receiver.requests[1].body, dict(receiver.requests[1].headers))
        url = receiver.url
    assert run("webhooks", "test", 1, folder)[:2] == (
        1,
        "webhook 1: no answer: the connection was refused\n",
    )
    assert json.loads(run("webhooks", "list", folder, "--json")[1])[0]["url"] == url
    assert run("webhooks", "remove", 1, folder)[1] == "webhook 1 is removed\n"
    code, _out, err = run("webhooks", "remove", 1, folder)
    assert (code, "1: no such webhook" in err) == (2, True)


def test_what_was_given_up_is_listed_and_sent_again(folder: Path, run: Run) -> None:
    run("webhooks", "add", "https://example.org/hook", folder)
    with open_editing_state(load_settings(folder), SystemClock()) as state:
        now = state.clock.now()
        with state.database.writing() as connection:
            event = store.Event(EventType.ISSUE_SENT, {"issue": "weekly-en-2026-01-09"}, now)
            store.queue_events(connection, event)
            store.close_webhook(connection, 1, "it answered 410 Gone", now)
    assert run("webhooks", "list", folder)[1].endswith("    disabled: it answered 410 Gone\n")
    line = run("webhooks", "deliveries", 1, folder, "--state", "failed")[1]
    end = "issue.sent  failed  0 attempts: the webhook is disabled: it answered 410 Gone\n"
    assert line.startswith("evt_")
    assert line.endswith(end)
    enabled = run("webhooks", "enable", 1, folder)[1]
    assert enabled == "webhook 1 is enabled; 1 event will be sent again\n"
    (listed,) = json.loads(run("webhooks", "deliveries", 1, folder, "--json")[1])
    assert (listed["state"], listed["data"]) == ("pending", {"issue": "weekly-en-2026-01-09"})
    assert run("webhooks", "deliveries", 1, folder, "--state", "failed")[1] == (
        "nothing was queued for it\n"
    )
    assert run("webhooks", "disable", 1, folder)[1] == "webhook 1 is disabled\n"
    assert run("webhooks", "list", folder)[1].endswith("    disabled: disabled by hand\n")
    line = run("webhooks", "deliveries", 1, folder, "--state", "failed")[1]
    assert line.endswith("the webhook is disabled: disabled by hand\n")


def test_wrong_arguments_are_named(folder: Path, run: Run) -> None:
    for arguments, part in (
        (("add", "http://example.org/"), "the address of a webhook begins with https://"),
        (("add", "https://example.org/", "--event", "x"), "x: no such event"),
        (("deliveries", 1, "--state", "lost"), "'lost' is not a state"),
        (("list", "--as", "nobody@example.org"), "nobody@example.org: no account"),
    ):
        code, out, err = run("webhooks", *arguments, folder)
        assert (code, out, part in err) == (2 if "http:" not in str(arguments) else 1, "", True)
