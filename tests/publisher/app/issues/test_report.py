"""What became of mails: reports that add up, old ledgers, bounces that are undone, and mail that is tried again."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, delete, insert, select, update
from structlog.testing import capture_logs

from publisher.accounts.model import Actor, Grant, Role, terminal_actor
from publisher.app.editing_state import find_terminal_actor
from publisher.app.issues import deliveries
from publisher.app.issues.corrections import CorrectionRequest, correct_issue
from publisher.app.issues.lookup import require_issue, require_rows
from publisher.app.subscribers.actions import erase_somebody, read_returned_mail, revive_address
from publisher.app.subscribers.preferences import switch_language
from publisher.app.subscribers.records import find_record
from publisher.bounces.intake import receive_bounce
from publisher.bounces.model import BounceEvent, BounceKind, Evidence
from publisher.bounces.store import add_event, bounce_event
from publisher.delivery import causes
from publisher.delivery.causes import CAUSES
from publisher.delivery.ledger import reports
from publisher.delivery.ledger.already_sent import ReceivedStories
from publisher.delivery.ledger.lifecycle import reconcile_issues, sweep_cancelled
from publisher.delivery.ledger.reports import OutcomeCount, count_outcomes, prune_ledgers
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import ConsentError, ForbiddenError, IssueError, UsageError
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import correction_table, issue_table
from publisher.mail.signed_addresses import BounceAddresses
from publisher.secrets import load_secret
from subscribers.changes import suppress
from subscribers.model import ConsentSource, SubscriberStatus
from subscribers.tables import subscriber
from tests.publisher.app.approving import DAY as ONE_DAY
from tests.publisher.app.approving import NAME
from tests.publisher.app.stored_rows import insert_subscriber
from tests.publisher.bounces.mails import a_status_report
from tests.publisher.cli.conftest import Run, run
from tests.publisher.conftest import NOW, Make, PublicationFolder, by_owner, editing_state
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import (
    DAY,
    counts,
    number_of,
    outbox,
    ready,
    send,
    subscribe,
)
from tests.publisher.printing import pipeline_of
from tests.subscribers.leaving import unsubscribe

pytestmark = pytest.mark.usefixtures("issue_pages_only")
ROWS = some.lists(
    some.tuples(
        some.sampled_from(["en", "ar"]),
        some.sampled_from([*S]),
        some.sampled_from([None, "no-mailbox", "full", "unsubscribed", "of-a-later-version"]),
        # Those of no domain were erased.
        some.sampled_from(["gmail.com", "example.org", None]),
    ),
    max_size=12,
)


Row = tuple[str, DeliveryState, str | None, str | None]


def _open(publication: PublicationFolder, rows: list[Row]) -> dict[str, Issue]:
    """Make a ledger of two issues with these rows."""
    found = {tag: ready(publication, tag) for tag in ("en", "ar")}
    with publication.database.writing() as connection:
        for tag, issue in found.items():
            found[tag] = issues.move_issue(connection, issue, IssueState.SENDING)
    _replace_rows(publication, found, rows)
    return found


def _replace_rows(
    publication: PublicationFolder, found: dict[str, Issue], rows: list[Row]
) -> None:
    instants = dict.fromkeys(("due_at", "next_at", "changed_at"), NOW)
    with publication.database.writing() as connection:
        connection.execute(delete(delivery))
        connection.execute(delete(subscriber))
        for number, (tag, state, key, domain) in enumerate(rows, 1):
            values = {"subscriber_id": number, "state": state, "reason_key": key}
            values |= {"issue_id": found[tag].id, "reason": f"550 no {number % 2}"}
            connection.execute(insert(delivery).values(values | instants))
            if domain:
                insert_subscriber(connection, f"reader.{number}@{domain}", "en", NOW, id=number)


@pytest.mark.hypothesis
def test_reports_add_up_by_language_provider_and_cause(publication: PublicationFolder) -> None:
    found = _open(publication, [])

    @given(rows=ROWS)
    def check(rows: list[Row]) -> None:
        _replace_rows(publication, found, rows)
        report = deliveries.report_day(editing_state(publication), "weekly", DAY, ["en", "ar"])
        _adds_up(report, len(rows))
        for one in report.issues:
            mine = [row for row in rows if row[0] == one.issue.language]
            _issue_adds_up(one, [(state, key) for _tag, state, key, _domain in mine])

    check()


def _adds_up(report: deliveries.DayReport, planned: int) -> None:
    assert report.planned == sum(report.counts.values()) == planned
    assert sum((count.total() for count in report.providers.values()), 0) == planned
    assert sum(one.planned for one in report.issues) == planned


def _issue_adds_up(
    one: deliveries.IssueReport, rows: list[tuple[DeliveryState, str | None]]
) -> None:
    states = Counter(state for state, _key in rows)
    waiting = states[S.PENDING] + states[S.CLAIMED] + states[S.ATTEMPTING]
    assert one.counts["waiting"] == waiting
    assert {cause.state for cause in one.causes} <= one.counts.keys()
    for state in {*S} - {S.PENDING, S.CLAIMED, S.ATTEMPTING}:
        assert one.counts[state] == states[state]
        assert sum(count[state] for count in one.providers.values()) == states[state]
        of_state = [cause for cause in one.causes if cause.state == state]
        if state in {S.DEFERRED, S.BOUNCED, S.FAILED, S.IN_DOUBT}:
            assert sum(cause.count for cause in of_state) == states[state]
            assert all(cause.words and cause.key in CAUSES for cause in of_state)


def test_what_servers_said_and_what_came_back_later_is_reported(
    publication: PublicationFolder,
) -> None:
    found = _open(
        publication, [("en", S.BOUNCED, "full", "gmail.com"), ("en", S.SENT, None, "x.org")]
    )
    event = BounceEvent(
        source="test",
        source_id="1",
        subscriber_id=2,
        issue_id=found["en"].id,
        evidence=Evidence.VERP,
        kind=BounceKind.SOFT,
        cause="full",
        status="5.2.2",
        diagnostic="",
        at=NOW,
        received_at=NOW,
    )
    with publication.database.writing() as connection:
        assert add_event(connection, event)
    report = deliveries.report_issue(editing_state(publication), NAME)
    (again,) = deliveries.report_issues(editing_state(publication), [NAME]).issues
    assert again == report
    (cause,) = report.causes
    assert (cause.key, cause.sentence) == ("full", "the mailbox is full")
    assert cause.words == ["550 no 1"]
    assert report.returned == {"soft": 1}
    assert report.as_dict()["providers"]["gmail.com"]["bounced"] == 1


def test_a_day_is_one_report_also_of_issues_that_are_still_to_come(
    publication: PublicationFolder,
) -> None:
    ready(publication, "ar")
    state = editing_state(publication)
    report = deliveries.report_day(state, "weekly", DAY)
    assert {one.issue.language: one.issue.state for one in report.issues}["ar"] == "ready"
    assert (len(report.issues), report.planned) == (4, 0)
    with pytest.raises(IssueError, match="has no issue on"):
        deliveries.report_day(state, "weekly", DAY + timedelta(days=1))
    with pytest.raises(UsageError, match="no such issue"):
        deliveries.report_issue(state, "weekly-en-2020-01-01")


@pytest.mark.parametrize(("resend", "after"), [(True, "pending"), (False, "sent")])
def test_doubts_are_decided_by_who_may(
    publication: PublicationFolder, resend: bool, after: str
) -> None:
    issue = _open(publication, [("en", S.IN_DOUBT, "unanswered", "x.org")])["en"]
    state = editing_state(publication)
    editor = Actor(name="ed@example.org", via="console", grants=(Grant(Role.EDITOR),))
    with pytest.raises(ForbiddenError):
        deliveries.decide_doubts(state, editor, NAME, resend=resend)
    assert counts(publication, issue) == {"in_doubt": 1}
    assert deliveries.decide_doubts(state, terminal_actor(), NAME, resend=resend).count == 1
    assert counts(publication, issue) == {after: 1}
    assert deliveries.decide_doubts(state, terminal_actor(), NAME, resend=resend).count == 0


# --- old ledgers: the rows are deleted, and nobody gets a story twice because of it
WEEKLY = {"name": "weekly", "schedule": "0 8 * * FRI", "timezone": "UTC", "max_age": 1000}
PRUNED_AT = NOW + timedelta(days=406)
KEEP = timedelta(days=400)


@pytest.fixture
def sent(prepared_publication: Make) -> PublicationFolder:
    """An English issue that eleven have got; one mail bounced."""
    return prepared_publication(send_to_twelve, languages=["en", "ar"], newsletters=[WEEKLY])


def send_to_twelve(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", key="tides")
    subscribe(publication, *((f"reader-{n}@example.com", "en") for n in range(11)))
    subscribe(publication, ("ann@elsewhere.example", "en"))
    pipeline_of(publication).run()
    _set(publication, DeliveryState.BOUNCED, "ann@elsewhere.example", "no-mailbox")


def _set(
    publication: PublicationFolder, state: DeliveryState, address: str, key: str | None
) -> None:
    number = number_of(publication.database, address)
    row = delivery.c.subscriber_id == number
    with publication.database.writing() as connection:
        connection.execute(update(delivery).where(row).values(state=state, reason_key=key))
        connection.execute(update(issue_table).values(state="partial"))
        reconcile_issues(connection, [1], NOW)


def _rows(publication: PublicationFolder) -> int:
    return sum(row["issue_id"] == 1 for row in publication.rows(delivery))


def _correct(publication: PublicationFolder) -> None:
    state = editing_state(publication.at(PRUNED_AT))
    request = CorrectionRequest(
        newsletter="weekly", day=DAY, languages=("en",), subject="It does not", text="Wrong."
    )
    correct_issue(state, find_terminal_actor(state, None), request)


def test_a_cycle_deletes_who_got_an_old_issue_and_reports_stay_the_same(
    sent: PublicationFolder,
) -> None:
    before = deliveries.report_issue(editing_state(sent), NAME)
    pipeline_of(sent.at(NOW + timedelta(days=399))).prepare()
    assert _rows(sent) == 12
    pipeline_of(sent.at(PRUNED_AT)).prepare()
    assert _rows(sent) == 0
    with sent.database.writing() as connection:  # what a late answer and a restore do
        reconcile_issues(connection, [1], PRUNED_AT)
        sweep_cancelled(connection, PRUNED_AT)
    after = deliveries.report_issue(editing_state(sent), NAME)
    assert after.only_counts
    assert not before.only_counts
    assert (after.issue.state, after.counts) == ("sent", before.counts)
    assert after.counts["sent"] == 11
    assert {name: one["bounced"] for name, one in after.providers.items()} == {
        "example.com": 0,
        # A domain of one subscriber may be her name.
        "other": 1,
    }
    assert [(one.key, one.count) for one in after.causes] == [("no-mailbox", 1)]


def test_deleting_goes_on_where_it_was_interrupted(sent: PublicationFolder) -> None:
    assert [prune_ledgers(sent.database, KEEP, PRUNED_AT, most=5) for _ in range(4)] == [
        5,
        5,
        2,
        0,
    ]
    assert deliveries.report_issue(editing_state(sent), NAME).counts["sent"] == 11


def test_rows_stay_if_so_set_while_one_is_in_doubt_or_a_correction_waits_for_them(
    sent: PublicationFolder,
) -> None:
    kept = sent.settings.delivery.model_copy(update={"keep_deliveries": 0})
    always = replace(sent, settings=replace(sent.settings, delivery=kept))
    pipeline_of(always.at(PRUNED_AT)).prepare()
    assert _rows(sent) == 12
    _set(sent, DeliveryState.IN_DOUBT, "ann@elsewhere.example", "interrupted")
    assert prune_ledgers(sent.database, KEEP, PRUNED_AT) == 0
    state = editing_state(sent)
    deliveries.decide_doubts(state, find_terminal_actor(state, None), NAME, resend=False)
    _correct(sent)
    assert prune_ledgers(sent.database, KEEP, PRUNED_AT) == 0
    with sent.database.writing() as connection:
        connection.execute(delete(correction_table))
        connection.execute(delete(issue_table).where(issue_table.c.id != 1))
    assert prune_ledgers(sent.database, KEEP, PRUNED_AT) == 12


def test_what_needs_the_rows_says_that_they_were_deleted(sent: PublicationFolder) -> None:
    assert prune_ledgers(sent.database, KEEP, PRUNED_AT) == 12
    with pytest.raises(IssueError, match="who got it was deleted after 400 days"):
        _correct(sent)
    with pytest.raises(IssueError, match="who got it was deleted after 400 days"):
        next(deliveries.delivery_pages(sent.settings, sent.database, NAME))
    with sent.database.reading() as connection:
        issue = require_issue(connection, NAME)
        with pytest.raises(IssueError, match="its report still has the counts"):
            require_rows(connection, sent.settings, issue)


def test_rows_stay_if_somebody_corrects_the_issue_while_they_are_counted(
    sent: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(connection: Connection, issue_id: int) -> list[OutcomeCount]:
        _correct(sent)
        return count_outcomes(connection, issue_id)

    monkeypatch.setattr(reports, "count_outcomes", counted)
    assert prune_ledgers(sent.database, KEEP, PRUNED_AT) == 0
    assert _rows(sent) == 12


def test_a_translation_of_an_old_story_goes_only_to_those_who_can_not_have_got_it(
    sent: PublicationFolder,
) -> None:
    pipeline_of(sent.at(PRUNED_AT)).run()
    assert _rows(sent) == 0
    with sent.database.writing() as connection:
        number = number_of(sent.database, "reader-3@example.com")
        assert switch_language(connection, sent.settings, number, "ar", PRUNED_AT)
        subscribed = "UPDATE subscriber SET created_at = '2027-03-01T00:00:00Z' WHERE id = 11"
        connection.exec_driver_sql(subscribed)
        assert switch_language(connection, sent.settings, 11, "ar", PRUNED_AT)
    sent.write("ar/tides.ar.md", "المد ينتظر.", title="المد", key="tides")
    # The plan of an issue groups subscribers by it.
    received = ReceivedStories([1], {1: frozenset({7})}, {}, pruned=[1])
    query = select(subscriber.c.id, *received.mails(subscriber.c.id))
    with sent.database.reading() as connection:
        rows = connection.execute(query).all()
    assert {row.id for row in rows if not received.stories_of(*row[1:])} == {11}
    before = outbox(sent).keys()
    pipeline_of(sent.at(PRUNED_AT + timedelta(days=8))).run()
    found = [content for name, content in outbox(sent).items() if name not in before]
    assert len(found) == 1
    assert b"To: Ann Example <reader-10@example.com>" in found[0]


# --- what was returned, and mail that is tried again


__all__ = ["run"]


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
            now = NOW + day * ONE_DAY
            receive_bounce(connection, publication.settings, secret, raw, now, "mailbox")


def status_of(publication: PublicationFolder, address: str) -> SubscriberStatus:
    return find_record(publication.settings, publication.database, address).subscriber.status


# --- revive


@pytest.mark.parametrize("note", ["called us", ""])
def test_an_address_that_bounced_is_written_to_again_which_is_logged_without_it(
    ledger: OpenLedger, note: str
) -> None:
    publication = ledger.publication
    bounce(publication, ANN, 2)
    assert status_of(publication, ANN) is SubscriberStatus.BOUNCED
    later = NOW + 3 * ONE_DAY
    settings, database = publication.settings, publication.database
    words = (note,) if note else ()
    with capture_logs() as logs:
        changes = [
            revive_address(*by_owner(publication.at(later)), ANN, *words) for _ in range(2)
        ]
    assert [one.changed for one in changes] == [True, False]
    assert status_of(publication, ANN) is SubscriberStatus.ACTIVE
    number = number_of(database, ANN)
    assert [(one["event"], one["subscriber"]) for one in logs] == [("address revived", number)]
    assert ANN not in str(logs)
    record = find_record(settings, database, ANN)
    events = [one for one in record.history.events if one.source is ConsentSource.OWNER]
    assert [one.note for one in events] == [note or "revived"]
    # Earlier reports count no more; one more would not suppress again.
    assert read_returned_mail(database, record, later).score.points == 0


def test_nobody_is_revived_after_a_complaint_or_an_unsubscription(ledger: OpenLedger) -> None:
    publication = ledger.publication
    with publication.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        unsubscribe(connection, BOB, None, NOW)
    for address, why in ((ANN, "final"), (BOB, "resubscribe")):
        with pytest.raises(ConsentError, match=why):
            revive_address(*by_owner(publication), address)
    assert status_of(publication, ANN) is SubscriberStatus.COMPLAINED


# --- erasing


def test_reports_are_erased_with_their_subscriber(ledger: OpenLedger) -> None:
    publication = ledger.publication
    bounce(publication, ANN, 1)
    bounce(publication, BOB, 1)
    erase_somebody(*by_owner(publication), ANN)
    (row,) = publication.rows(bounce_event)
    assert row["subscriber_id"] == number_of(publication.database, BOB)


# --- retry


def retry(
    ledger: OpenLedger, *states: DeliveryState, cause: tuple[str, ...] = (), after: int = 0
) -> deliveries.RetryDecision:
    state = editing_state(ledger.publication.at(LATER + after * ONE_DAY))
    return deliveries.retry_deliveries(state, terminal_actor(), NAME, states, cause)


def test_only_some_causes_or_states_are_tried_again(ledger: OpenLedger) -> None:
    assert retry(ledger, cause=("full",)) == deliveries.RetryDecision(1, 0)
    assert ledger.states[BOB] == S.PENDING
    assert retry(ledger, S.FAILED) == deliveries.RetryDecision(1, 0)
    with pytest.raises(UsageError, match="no such cause"):
        retry(ledger, cause=("fool",))
    with pytest.raises(UsageError, match="can't be tried again"):
        retry(ledger, S.SENT)


@pytest.mark.parametrize("has_complained", [False, True])
def test_who_left_or_complained_is_left_out(ledger: OpenLedger, has_complained: bool) -> None:
    with ledger.writing() as connection:
        if has_complained:
            suppress(connection, BOB, SubscriberStatus.COMPLAINED, NOW)
        else:
            unsubscribe(connection, BOB, None, NOW)
    assert retry(ledger) == deliveries.RetryDecision(1, 1)
    # Nor is it sent if the complaint comes after the command, and before the mail.
    with ledger.writing() as connection:
        suppress(connection, CYD, SubscriberStatus.COMPLAINED, NOW)
    assert send(ledger.publication.at(LATER)).messages == 0
    assert ledger.states == {ANN: S.SENT, BOB: S.BOUNCED, CYD: S.SUPPRESSED}


def test_failed_and_bounced_mails_are_sent_again_once_which_is_logged_without_addresses(
    ledger: OpenLedger,
) -> None:
    assert ledger.stands() is IssueState.PARTIAL
    with capture_logs() as logs:
        assert retry(ledger) == deliveries.RetryDecision(2, 0)
        before = ledger.rows
        assert retry(ledger) == deliveries.RetryDecision(0, 0)
    assert ledger.rows == before
    found = [(one["issue"], one["count"], one["unwanted"]) for one in logs]
    assert found == [(NAME, 2, 0), (NAME, 0, 0)]
    assert not any(address in str(logs) for address in (ANN, BOB, CYD))
    assert ledger.stands() is IssueState.SENDING
    assert ledger.states == {ANN: S.SENT, BOB: S.PENDING, CYD: S.PENDING}
    assert ledger.rows[BOB].epoch > 1
    assert send(ledger.publication.at(LATER)).messages == 2
    assert ledger.stands() is IssueState.SENT
    assert retry(ledger) == deliveries.RetryDecision(0, 0)


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
    assert [one["kind"] for one in found["bounces"]] == ["dead", "dead"]
    assert "User unknown" in run("subscribers", "find", ANN, folder)[1].replace("\n", " ")
    for note in ("note=called us", "note="):
        revived = run("api", "reviveSubscriber", f"address={ANN}", note, folder)[1]
        assert json.loads(revived)["status"] == "active"
    words = ("--state", "bounced", "--now", "2026-01-10T12:00:00Z")
    code, out, _err = run("deliveries", "retry", NAME, folder, *words)
    assert (code, out) == (0, "1 mail will be sent again with the next run of delivery\n")
    assert "given up" in run("deliveries", NAME, folder)[1]
    assert run("deliveries", "list", NAME, folder) == run("deliveries", NAME, folder)
