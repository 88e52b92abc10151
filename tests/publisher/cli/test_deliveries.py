"""Who has not got an issue, and why: listed in full, and summed up in `status` and `deliver`."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from publisher.app.operation import status
from publisher.cli.issues import deliveries
from publisher.delivery import causes
from publisher.delivery.ledger import reports
from publisher.delivery.states import FAILURE_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_count
from publisher.issues import store
from publisher.issues.tables import issue_table
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import erase, number_of, ready, subscribe

NAME = "weekly-en-2026-01-09"
FULL = (causes.MAILBOX_FULL, "452 4.2.2: no room for letter {n}")
GONE = (causes.NO_MAILBOX, "550 5.1.1: who is number {n}?")
NONE = (None, "")


@pytest.fixture
def sent(run: Run, publication: PublicationFolder, folder: Path) -> PublicationFolder:
    """Nine readers who all got the issue."""
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(1, 10)))
    ready(publication)
    run("deliver", folder, "--now", "2026-01-09T12:00:00Z")
    return publication


def becomes(
    publication: PublicationFolder,
    number: int,
    state: str,
    why: tuple[causes.Cause | None, str] = NONE,
    attempts: int = 1,
) -> None:
    cause, words = why
    with publication.database.writing() as connection:
        row = update(delivery).where(delivery.c.subscriber_id == number)
        reason = {"reason_key": cause and cause.key, "reason": words.format(n=number) or None}
        connection.execute(row.values(reason | {"state": state, "attempts": attempts}))
        connection.execute(update(issue_table).values(state="sending"))
        connection.execute(delete(delivery_count))


def listed(run: Run, folder: Path, *words: str) -> list[dict[str, Any]]:
    out = done(run, "deliveries", NAME, folder, "--json", *words)
    found: list[dict[str, Any]] = json.loads(out)
    return found


def numbers(run: Run, folder: Path, *words: str) -> list[int]:
    return [one["subscriber"] for one in listed(run, folder, *words)]


# --- deliveries


def test_failed_deliveries_are_listed_with_their_reasons(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    becomes(sent, 2, "bounced", GONE)
    becomes(sent, 4, "deferred", FULL, attempts=3)
    out = done(run, "deliveries", NAME, folder)
    heading, gone, full = out.splitlines()
    assert heading.split() == ["Address", "State", "Attempts", "Next", "try", "Reason"]
    assert gone.split()[:3] == ["reader.2@example.com", "bounced", "1"]
    assert gone.endswith("  there is no such mailbox (550 5.1.1: who is number 2?)")
    assert full.split()[:4] == ["reader.4@example.com", "deferred", "3", "2026-01-09T12:00:00Z"]
    assert heading.index("Reason") == gone.index("there is") == full.index("the mailbox")


def test_sent_mail_and_first_tries_that_wait_are_not_listed(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    subscribe(sent, ("reader.10@example.com", "en"))
    states = [state for state in DeliveryState if state is not DeliveryState.SENT]
    for number, state in enumerate(states, 1):
        becomes(sent, number, state, attempts=0)
    left_out = {"pending", "claimed", "attempting"}
    kept = [number for number, state in enumerate(states, 1) if state not in left_out]
    assert numbers(run, folder) == kept
    # One whose connection broke is worth a look, although it is tried again at once.
    becomes(sent, 1, "pending", (causes.CONNECTION_LOST, "closed the connection"))
    assert numbers(run, folder) == [1, *kept]


def test_states_are_chosen_by_the_words_that_status_counts_by(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    for number, state in enumerate(DeliveryState, 0):
        if number:
            becomes(sent, number, state)
    shown = {
        one["subscriber"]: one["state"] for one in listed(run, folder, "--state", "waiting")
    }
    assert set(shown.values()) == {"waiting"}
    assert numbers(run, folder, "--state", "in doubt") == [7]
    assert numbers(run, folder, "--state", "In-Doubt", "--state", "bounced") == [5, 7]
    in_all = (numbers(run, folder, "--state", word) for word in deliveries._STATE_WORDS)
    assert sorted(chain.from_iterable(in_all)) == [*range(1, 10)]


@pytest.mark.usefixtures("sent")
def test_an_unknown_state_is_refused_with_a_list_of_states_and_an_empty_list_says_so(
    run: Run, folder: Path
) -> None:
    assert refuses(run, "deliveries", NAME, folder, "--state", "lost") == (
        "--state: 'lost' is not a state; use one of: sent, deferred, bounced, failed, "
        "in_doubt, suppressed, cancelled, waiting"
    )
    assert run("deliveries", "weekly-en-2026-01-10", folder)[0] == 2
    assert listed(run, folder) == []
    assert run("deliveries", NAME, folder)[1] == (
        f"no delivery of {NAME} has failed; publisher status shows its state\n"
    )
    words = ("--state", "bounced", "--state", "in_doubt")
    told = f"nothing of {NAME} is bounced or in doubt\n"
    assert run("deliveries", NAME, folder, *words)[1] == told


def test_an_erased_subscriber_is_listed_by_number_and_a_stopped_issue_without_a_next_try(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    number = number_of(sent.database, "reader.3@example.com")
    becomes(sent, number, "deferred", FULL)
    erase(sent.database, "reader.3@example.com")
    assert f"erased (number {number})  deferred" in run("deliveries", NAME, folder)[1]
    (one,) = listed(run, folder)
    assert (one["subscriber"], one["address"]) == (number, None)
    assert one["next_try"] == "2026-01-09T12:00:00Z"
    for state in ("paused", "cancelled"):
        with sent.database.writing() as connection:
            connection.exec_driver_sql(f"UPDATE issue SET state = '{state}'")
        assert listed(run, folder)[0]["next_try"] is None


def test_a_long_list_of_deliveries_is_read_in_pages(
    run: Run, sent: PublicationFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[int] = []
    lines = reports.list_deliveries

    def in_twos(
        connection: Any, issue: Any, states: Any, after: int
    ) -> list[reports.DeliveryRecord]:
        fetched.append(len(found := lines(connection, issue, states, after, 2)))
        return found

    monkeypatch.setattr(reports, "list_deliveries", in_twos)
    for number in (1, 2, 4, 6, 9):
        becomes(sent, number, "bounced", GONE)
    assert numbers(run, folder) == [1, 2, 4, 6, 9]
    assert fetched == [2, 2, 1, 0]
    assert len(run("deliveries", NAME, folder)[1].splitlines()) == 1 + 5


@pytest.mark.sqlite("its query plans")
def test_pages_of_deliveries_are_read_by_primary_key_and_causes_by_index(
    sent: PublicationFolder,
) -> None:
    plans: list[str] = []
    with sent.database.reading() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        statements: list[str] = []
        raw.set_trace_callback(statements.append)
        (issue,) = store.latest_issues(connection, 1)
        reports.list_deliveries(connection, issue, (), 3)
        reports.list_deliveries(connection, issue, (DeliveryState.BOUNCED,), 3)
        reports.count_causes(connection, issue.id, FAILURE_STATES, 10)
        raw.set_trace_callback(None)
        for statement in statements:
            if "FROM delivery" in statement:
                rows = raw.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
                plans.append("; ".join(row[3] for row in rows))
    rows, causes = plans[:2], plans[2:]
    assert {*rows} == {"SEARCH delivery USING PRIMARY KEY (issue_id=? AND subscriber_id>?)"}
    assert len(causes) == len(FAILURE_STATES)
    assert all("ix_delivery_state (issue_id=? AND state=?)" in plan for plan in causes)


# --- what status and deliver say


def test_status_counts_each_cause_without_the_servers_words(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    for number in (1, 2, 3):
        becomes(sent, number, "bounced", GONE)
    for number in (4, 5):
        becomes(sent, number, "deferred", FULL)
    becomes(sent, 6, "failed", FULL)
    becomes(sent, 7, "in_doubt", (causes.UNANSWERED, "was silent for 600 s"))
    out = run("status", folder)[1]
    *lines, last = out.splitlines()
    # Tests find no state directory.
    assert last.startswith("Only files in this folder say what was sent: ")
    assert lines[-8:] == [
        f"{NAME}: publisher deliveries {NAME} shows who",
        "    3 bounced: there is no such mailbox",
        f"        {causes.NO_MAILBOX.advice}",
        "    2 deferred: the mailbox is full",
        f"        {causes.MAILBOX_FULL.advice}",
        "    1 failed: given up: the mailbox is full",
        f"        {causes.MAILBOX_FULL.advice}",
        f"{NAME}: 1 in doubt: publisher doubt list shows them",
    ]
    (issue,) = json.loads(run("status", "--json", folder)[1])["issues"]
    gone = {"key": "no-mailbox", "advice": causes.NO_MAILBOX.advice}
    full = {"key": "full", "advice": causes.MAILBOX_FULL.advice}
    assert issue["causes"] == [
        {"state": "bounced", "cause": "there is no such mailbox", "count": 3} | gone,
        {"state": "deferred", "cause": "the mailbox is full", "count": 2} | full,
        {"state": "failed", "cause": "given up: the mailbox is full", "count": 1} | full,
    ]


def test_of_many_causes_and_rows_the_commonest_and_some_are_shown(
    run: Run, sent: PublicationFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    becomes(sent, 1, "suppressed", (causes.HAS_UNSUBSCRIBED, ""))
    out = run("status", folder)[1]
    assert "publisher deliveries" not in out
    assert "publisher doubt" not in out
    (shown,) = json.loads(run("status", "--json", folder)[1])["issues"]
    assert shown["causes"] == []
    found = [*causes.CAUSES.values()][:6]
    for number in range(1, 8):
        becomes(sent, number, "bounced", (found[max(0, number - 2)], "550: no"))
    lines = run("status", folder)[1].splitlines()[:-1]
    assert lines[-11] == f"    2 bounced: {found[0].sentence}"
    assert lines[-1] == "    and 1 more cause"
    monkeypatch.setattr(status, "_MAX_ROWS_READ", 8)
    for number in range(1, 7):
        becomes(sent, number, "bounced", GONE)
    becomes(sent, 7, "deferred", FULL)
    assert run("status", folder)[1].splitlines()[-5:-1:2] == [
        "    4 bounced (of 4 looked at): there is no such mailbox",
        "    1 deferred: the mailbox is full",
    ]


def test_deliver_counts_unsent_mail_at_its_end(
    run: Run, sent: PublicationFolder, folder: Path
) -> None:
    becomes(sent, 1, "bounced", GONE)
    becomes(sent, 2, "failed", FULL)
    for number in (3, 4):
        becomes(sent, number, "in_doubt")
    becomes(sent, 5, "pending", attempts=0)
    rest = "1 bounced, 1 failed, 2 in doubt: publisher status shows why"
    assert run("deliver", folder)[:2] == (0, f"1 mail sent, 1 issue done; {rest}\n")
    assert run("deliver", folder)[1] == "0 mails sent, 0 issues done\n"
