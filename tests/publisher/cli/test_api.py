"""`publisher api`: operations of the API in this process, by the terminal's actor and without a key."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook as Verifier

from publisher.accounts.tables import audit_entry_table
from publisher.web.api.application import OPERATIONS, TERMINAL_OPERATIONS
from publisher.webhooks import store
from publisher.webhooks.events import EventType
from tests.publisher.accounts.test_accounts import without_trigger
from tests.publisher.app.approving import person
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.starting_points import Point, StartingPoint
from tests.publisher.webhooks.receiver import receiving

ISSUE = "issue=weekly-en-2026-01-09"
BEFORE = ("--now", "2026-01-08T10:00:00Z")


@pytest.fixture
def waiting(starting_point: StartingPoint) -> PublicationFolder:
    """A publication whose issue waits for an approval."""
    return starting_point(Point.WAITING)


def ask(run: Run, *words: object, now: tuple[str, ...] = BEFORE) -> Any:
    out = done(run, "api", *words, *now)
    return json.loads(out)


def test_operations_are_listed_and_each_is_described(run: Run) -> None:
    listed = run("api")[1]
    for operation in (*OPERATIONS, *TERMINAL_OPERATIONS):
        if operation.id in {"beginSourceTest", "readSourceTest"}:
            assert "publisher sources test" in refuses(run, "api", operation.id)
            continue
        assert f"  {operation.id} " in listed
        out = done(run, "api", operation.id, "--help")
        assert f"{operation.method} /" in out
        names = [*operation.parts, *operation.query.model_fields, *operation.body.model_fields]
        assert all(f"  {name} (" in out for name in names)
        assert f"Answer: {operation.answer.__name__}" in out
    assert "kind (EditKind)" in run("api", "editIssue", "-h")[1]
    assert "  pin | move | leave-out" in run("api", "editIssue", "-h")[1]


def test_an_operation_is_the_terminals_and_in_the_audit_log_as_a_commands(
    run: Run, waiting: PublicationFolder
) -> None:
    folder = waiting.settings.folders.root
    held = ask(run, "holdIssue", ISSUE, folder)
    assert (held["name"], held["send_at"]) == ("weekly-en-2026-01-09", None)
    (listed,) = ask(run, "listIssues", "newsletter=weekly", "limit=1", folder)["issues"]
    assert listed.items() <= held.items()
    entry = waiting.rows(audit_entry_table)[-1]
    assert (entry["actor"], "terminal" in str(entry["details"])) == ("terminal", True)
    person(waiting, "ann")
    ann = ("--as", "ann@example.org")
    ask(run, "listIssues", folder, *ann)
    denied = refuses(run, "api", "addPerson", "key=bob", "name=Bob", folder, *ann, code=1)
    assert denied == "ann@example.org: has no role that permits manage-people"


def test_what_is_guarded_takes_the_present_version_or_the_one_that_was_read(
    run: Run, waiting: PublicationFolder, tmp_path: Path
) -> None:
    folder = waiting.settings.folders.root
    read = ask(run, "readContents", ISSUE, folder)
    edit = ("editIssue", ISSUE, folder)
    story = read["stories"][1]["story_id"]
    moved = ask(run, *edit, "kind=move", "value=1", f"story_id={story}")
    assert moved["stories"][0]["story_id"] == story
    words = tmp_path / "edit.json"
    words.write_text('{"kind": "subject", "value": "Tides = water"}', "utf-8")
    version = str(moved["version"])
    subject = ask(run, *edit, "--json", f"@{words}", "--if-match", version)
    assert [one["value"] for one in subject["edits"]][-1] == "Tides = water"
    code, out, err = run("api", *edit, "--json", f"@{words}", "--if-match", version, *BEFORE)
    assert (code, out, "was changed since" in err) == (1, "", True)
    number = subject["edits"][0]["edit"]
    undone = ask(run, "undoEdit", ISSUE, f"edit={number}", folder)
    assert undone["stories"] == read["stories"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["fly"], 2, "fly: no such operation; `publisher api` lists them"),
        (["holdIssue"], 2, "holdIssue: name the issue: issue=..."),
        (["holdIssue", ISSUE, ISSUE], 2, "issue: is given more than once"),
        (["holdIssue", "weekly", ISSUE], 2, "write PARAMETER=VALUE"),
        (["holdIssue", ISSUE, "note=x"], 2, "note: holdIssue has no such parameter"),
        (["holdIssue", ISSUE, "--json", "{}"], 2, "--json: holdIssue takes no body"),
        (["holdIssue", "issue=monthly-en-2026-01-09"], 2, "monthly-en-2026-01-09"),
        (["skipIssue", ISSUE], 2, "/reason: Field required"),
        (["skipIssue", ISSUE, "--json", "@absent"], 2, "absent: can't be read"),
        (["skipIssue", ISSUE, "--json", "{"], 2, "the body is not JSON"),
        (["skipIssue", ISSUE, "reason=x", "--json", "{}"], 2, "reason: write it in --json"),
        (["listIssues", "limit=0"], 2, "limit: Input should be greater than or equal to 1"),
        (["pauseIssue", ISSUE], 1, "weekly-en-2026-01-09"),
        (["editIssue", ISSUE, "kind=pin", "--if-match", "x"], 2, "is no version or revision"),
        (["editIssue", ISSUE, "kind=pin", "--if-match", ""], 2, "is no version or revision"),
        (["holdIssue", ISSUE, "--if-match", "1"], 2, "holdIssue takes none"),
        (["readAuditLog", f"before={10**20}"], 2, "before: Input should be less than"),
        (["undoLeftByMail", "since=0001-01-01T00:00:00+14:00"], 2, "no time that a calendar"),
        (
            ["claimTranslation", "language=en", "story=x", "until=0001-01-01T01:00:00+14:00"],
            2,
            "/until/",
        ),
        (["testWebhook", f"webhook={10**20}"], 2, "a webhook has a number"),
        (["acceptLostArticles", "source=content/posts", "lost=1"], 2, "content/posts"),
        (["eraseSubscriber", "subscriber=/1"], 2, "there is no such resource"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_the_exit_code_of_a_command(
    run: Run, waiting: PublicationFolder, words: list[str], code: int, complaint: str
) -> None:
    folder = waiting.settings.folders.root
    assert complaint in refuses(run, "api", *words, folder, *BEFORE, code=code)


def test_a_webhook_is_added_tested_and_removed(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    with (folder / "publication.toml").open("a", encoding="utf-8") as file:
        file.write("\n[webhooks]\nloopback = true\n")
    with receiving() as receiver:
        # By the machine's clock: a receiver refuses what was signed long ago.
        words = ("addWebhook", f"url={receiver.url}", "events=issue.sent")
        first = ask(run, *words, folder, now=())
        new = ask(run, "rotateWebhook", "webhook=1", folder, now=())
        tested = ask(run, "testWebhook", "webhook=1", folder, now=())
        (request,) = receiver.requests
        for each in (first, new):
            assert each["webhook"] == 1
            event = Verifier(each["secret"]).verify(request.body, dict(request.headers))
            assert event["type"] == "webhook.test"
    assert tested == {"is_accepted": True, "text": "204 No Content"}
    # Nobody listens there any more.
    code, out, err = run("api", "testWebhook", "webhook=1", folder)
    assert (code, json.loads(out)["is_accepted"], err) == (1, False, "")
    sent = store.Event(EventType.ISSUE_SENT, {"issue": "weekly-en-2026-01-09"}, NOW)
    with publication.database.writing() as connection:
        store.queue_events(connection, sent)
    assert ask(run, "disableWebhook", "webhook=1", folder) == {}
    (listed,) = ask(run, "listWebhooks", folder)["webhooks"]
    webhook = listed["webhook"]
    assert (webhook["url"], webhook["events"]) == (receiver.url, ["issue.sent"])
    assert webhook["disabled_reason"] == "disabled by hand"
    failed = ("listWebhookDeliveries", "webhook=1", "state=failed", folder)
    (given_up,) = ask(run, *failed)["deliveries"]
    assert (given_up["type"], given_up["data"]) == ("issue.sent", dict(sent.data))
    assert given_up["last_answer"] == "the webhook is disabled: disabled by hand"
    assert ask(run, "enableWebhook", "webhook=1", folder) == {"events": 1}
    assert ask(run, *failed) == {"deliveries": []}
    assert ask(run, "removeWebhook", "webhook=1", folder) == {}
    assert "no such webhook" in refuses(run, "api", "removeWebhook", "webhook=1", folder)
    assert "a webhook has a number" in refuses(run, "api", "removeWebhook", "webhook=x", folder)


def test_the_terminal_is_no_translator(run: Run, waiting: PublicationFolder) -> None:
    folder = waiting.settings.folders.root
    alone = refuses(run, "api", "readTranslationFeeds", folder, code=1)
    assert "the terminal is no translator" in alone


def test_a_changed_entry_of_the_audit_log_is_named_with_exit_code_1(
    run: Run, waiting: PublicationFolder
) -> None:
    folder = waiting.settings.folders.root
    ask(run, "holdIssue", ISSUE, folder)
    last = waiting.rows(audit_entry_table)[-1]["id"]
    assert ask(run, "verifyAuditLog", folder) == {"last": last}
    with waiting.database.writing() as connection:
        without_trigger(connection)
        connection.execute(update(audit_entry_table).values(actor="nobody"))
    changed = refuses(run, "api", "verifyAuditLog", folder, code=1)
    assert changed == "entry 1 is not as it was written"


def test_somebody_chooses_mails_at_the_terminal(run: Run, waiting: PublicationFolder) -> None:
    folder = waiting.settings.folders.root
    done(run, "accounts", "add", "ann@example.org", "--role", "administrator", folder)
    own = (folder, "--as", "ann@example.org")
    assert ask(run, "readMailChoices", *own)["times"]["held"] == "now"
    chosen = ask(run, "chooseMails", "kind=held", "time=daily", *own)
    assert (chosen["times"]["held"], chosen["mails"]) == ("daily", [])
    wrong = refuses(run, "api", "chooseMails", "kind=held", "time=hourly", *own, code=2)
    assert "time: Input should be 'now', 'daily' or 'never'" in wrong
