"""What was returned is shown; a bounce is undone; failed mail is tried again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from publisher.accounts.actor import terminal_actor
from publisher.app.deliveries import RetryDecision, retry_deliveries
from publisher.app.returned_mail import read_returned_mail, revive_address
from publisher.app.subscribers import erase_address, find_record
from publisher.bounces.intake import receive_bounce
from publisher.bounces.tables import bounce_event
from publisher.delivery import causes
from publisher.delivery.states import DeliveryState
from publisher.errors import ConsentError, IssueError, UsageError
from publisher.issues.model import IssueState
from publisher.mail.bounce_addresses import BounceAddresses
from publisher.secret_key import load_secret
from subscribers import ConsentSource, SubscriberStatus, suppress, unsubscribe
from tests.publisher.bounces.mails import a_status_report
from tests.publisher.cli.conftest import Run, run
from tests.publisher.conftest import NOW, PublicationFolder, editing_state
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import number_of, send

__all__ = ["run"]

NAME = "weekly-en-2026-01-09"
DAY = timedelta(days=1)


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """Ann got the issue; Bob's mailbox was full, Cyd's was given up."""
    ledger = open_test_ledger(publication, ANN, BOB, CYD)
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.settle(ledger.begin(1), S.BOUNCED, reason_key=causes.MAILBOX_FULL.key)
    ledger.settle(ledger.begin(1), S.FAILED, reason_key=causes.NOT_NOW.key)
    ledger.finish()
    return ledger


def bounce(publication: PublicationFolder, address: str, days: int) -> None:
    """Let a mailbox be reported dead on one day after the other."""
    secret = load_secret(publication.settings)
    addresses = BounceAddresses(secret, "bounces@lantern.example", "+")
    to = addresses.address_for(number_of(publication.database, address))
    with publication.database.writing() as connection:
        for day in range(days):
            raw = a_status_report(to=to, recipient=address, date="") + day * b"\n"
            now = NOW + day * DAY
            receive_bounce(connection, publication.settings, secret, raw, now, "mailbox")


def status_of(publication: PublicationFolder, address: str) -> SubscriberStatus:
    return find_record(publication.settings, publication.database, address).subscriber.status


# --- revive


def test_an_address_that_bounced_is_written_to_again(ledger: OpenLedger) -> None:
    publication = ledger.publication
    bounce(publication, ANN, 2)
    assert status_of(publication, ANN) is SubscriberStatus.BOUNCED
    later = NOW + 3 * DAY
    settings, database = publication.settings, publication.database
    change = revive_address(settings, database, ANN, later, note="called us")
    assert change.changed
    assert status_of(publication, ANN) is SubscriberStatus.ACTIVE
    record = find_record(settings, database, ANN)
    last = record.history.events[-1]
    assert (last.source, last.note) == (ConsentSource.OWNER, "called us")
    # Earlier reports count no more; one more would not suppress again.
    assert read_returned_mail(database, record, later).score.points == 0
    assert not revive_address(settings, database, ANN, later).changed


def test_nobody_is_revived_after_a_complaint_or_an_unsubscription(ledger: OpenLedger) -> None:
    publication = ledger.publication
    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        unsubscribe(connection, BOB, None, NOW)
    for address, why in ((ANN, "final"), (BOB, "resubscribe")):
        with pytest.raises(ConsentError, match=why):
            revive_address(publication.settings, publication.database, address, NOW)
    assert status_of(publication, ANN) is SubscriberStatus.COMPLAINED


def test_a_revival_is_logged_once_without_the_address(ledger: OpenLedger) -> None:
    publication = ledger.publication
    bounce(publication, ANN, 2)
    settings, database = publication.settings, publication.database
    with capture_logs() as logs:
        changes = [revive_address(settings, database, ANN, NOW + 3 * DAY) for _ in range(2)]
    assert [one.changed for one in changes] == [True, False]
    number = number_of(database, ANN)
    assert [(one["event"], one["subscriber"]) for one in logs] == [("address revived", number)]
    assert ANN not in str(logs)
    events = find_record(settings, database, ANN).history.events
    assert [one.note for one in events if one.source is ConsentSource.OWNER] == ["revived"]


# --- erasing


def test_reports_are_erased_with_their_subscriber(ledger: OpenLedger) -> None:
    publication = ledger.publication
    bounce(publication, ANN, 1)
    bounce(publication, BOB, 1)
    erase_address(publication.settings, publication.database, ANN, NOW)
    (row,) = publication.rows(bounce_event)
    assert row["subscriber_id"] == number_of(publication.database, BOB)


# --- retry


def retry(
    ledger: OpenLedger, *states: DeliveryState, cause: tuple[str, ...] = (), after: int = 0
) -> RetryDecision:
    state = editing_state(ledger.publication.at(LATER + after * DAY))
    return retry_deliveries(state, terminal_actor(), NAME, states, cause)


def test_failed_and_bounced_mails_are_sent_again_with_the_same_message_id(
    ledger: OpenLedger,
) -> None:
    assert ledger.stands() is IssueState.PARTIAL
    assert retry(ledger) == RetryDecision(2, 0)
    assert ledger.stands() is IssueState.SENDING
    assert ledger.states == {ANN: S.SENT, BOB: S.PENDING, CYD: S.PENDING}
    assert ledger.rows[BOB].epoch > 1
    assert send(ledger.publication.at(LATER)).messages == 2
    assert ledger.stands() is IssueState.SENT
    assert retry(ledger) == RetryDecision(0, 0)


def test_only_some_causes_or_states_are_tried_again(ledger: OpenLedger) -> None:
    assert retry(ledger, cause=("full",)) == RetryDecision(1, 0)
    assert ledger.states[BOB] == S.PENDING
    assert retry(ledger, S.FAILED) == RetryDecision(1, 0)
    with pytest.raises(UsageError, match="no such cause"):
        retry(ledger, cause=("fool",))
    with pytest.raises(UsageError, match="can't be tried again"):
        retry(ledger, S.SENT)


def test_who_does_not_want_it_any_more_is_left_out(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        unsubscribe(connection, BOB, None, NOW)
    assert retry(ledger) == RetryDecision(1, 1)
    assert ledger.states[BOB] == S.BOUNCED


def test_nothing_is_sent_again_to_who_complained(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        suppress(connection, BOB, SubscriberStatus.COMPLAINED, NOW)
    assert retry(ledger) == RetryDecision(1, 1)
    # Nor if the complaint comes after the command, and before the mail.
    with ledger.writing() as connection:
        suppress(connection, CYD, SubscriberStatus.COMPLAINED, NOW)
    assert send(ledger.publication.at(LATER)).messages == 0
    assert ledger.states == {ANN: S.SENT, BOB: S.BOUNCED, CYD: S.SUPPRESSED}


def test_trying_again_is_logged_and_does_nothing_the_second_time(ledger: OpenLedger) -> None:
    with capture_logs() as logs:
        assert retry(ledger) == RetryDecision(2, 0)
        before = ledger.rows
        assert retry(ledger) == RetryDecision(0, 0)
    assert ledger.rows == before
    assert [(one["issue"], one["count"], one["unwanted"]) for one in logs] == [
        (NAME, 2, 0),
        (NAME, 0, 0),
    ]
    assert not any(address in str(logs) for address in (ANN, BOB, CYD))


def test_an_issue_that_was_finished_a_week_ago_stays_as_it_is(ledger: OpenLedger) -> None:
    with pytest.raises(IssueError, match="more than 7 days ago"):
        retry(ledger, after=8)
    assert retry(ledger, after=7).count == 2


# --- the commands


def test_the_commands_show_revive_and_retry(run: Run, ledger: OpenLedger) -> None:
    publication = ledger.publication
    folder = publication.settings.folders.root
    bounce(publication, ANN, 2)
    shown = run("status", folder, "--json")[1]
    assert '"returned_mail"' in shown
    code, out, err = run("subscribers", "find", ANN, folder, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [one["kind"] for one in found["reports"]] == ["dead", "dead"]
    assert "User unknown" in run("subscribers", "find", ANN, folder)[1].replace("\n", " ")
    note = ("--note", "called us")
    assert run("subscribers", "revive", ANN, folder, *note)[1] == f"{ANN} is written to again\n"
    assert run("subscribers", "revive", ANN, folder)[1] == f"{ANN} is active; nothing changed\n"
    words = ("--state", "bounced", "--now", "2026-01-10T12:00:00Z")
    code, out, _err = run("deliveries", "retry", NAME, folder, *words)
    assert (code, out) == (0, "1 mail will be sent again with the next run of delivery\n")
    assert "given up" in run("deliveries", NAME, folder)[1]
    assert run("deliveries", "list", NAME, folder) == run("deliveries", NAME, folder)
