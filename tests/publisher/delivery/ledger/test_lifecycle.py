"""An issue under way is paused, resumed, cancelled, and at its end one day; its rows are counted."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from publisher.delivery.causes import ISSUE_CANCELLED, VARIANT_REJECTED
from publisher.delivery.ledger import attempts, doubts, lifecycle, variant_rows
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.variant_rows import leave_out_withdrawn
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import (
    OPEN_STATES,
    REPORTED_STATES,
    WAITING_STATES,
    DeliveryState,
    summarise_counts,
)
from publisher.delivery.tables import delivery, delivery_count
from publisher.delivery.transports.base import Guarantee
from publisher.errors import IssueError, TransitionError
from publisher.issues import store as issues
from publisher.issues.digests import IssueVariant, MailContent, find_or_add_variant
from publisher.issues.model import IssueReason, IssueState
from publisher.issues.tables import issue_table, issue_variant_table
from subscribers.tables import subscriber, subscription
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.conftest import DELIVERY_TRANSITIONS
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    LATER,
    OpenLedger,
    S,
    open_test_ledger,
)
from tests.publisher.delivery.mailing import erase, outbox, ready_for, send
from tests.triggers import react

SOON = LATER + timedelta(minutes=1)


def finished_at(ledger: OpenLedger) -> Any:
    (row,) = [row for row in ledger.publication.rows(issue_table) if row["id"] == ledger.number]
    return row["finished_at"]


def kept(ledger: OpenLedger) -> dict[str, int]:
    with ledger.writing() as connection:
        rows = connection.exec_driver_sql("SELECT issue_id, state, count FROM delivery_count")
        return {state: count for number, state, count in rows if number == ledger.number}


# --- pause and resume


def test_a_pause_frees_claimed_rows_and_lets_attempts_finish(ledger: OpenLedger) -> None:
    ann, cyd = (
        ledger.begin(1),
        ledger.mark([one for one in ledger.claim() if one.recipient.address == CYD]),
    )
    ledger.pause()
    assert ledger.states == {ANN: "attempting", BOB: "pending", CYD: "attempting"}
    bob = ledger.rows[BOB]
    assert (bob.lease_id, bob.epoch, bob.changed_at) == (None, 2, LATER)
    ledger.settle(ann, S.SENT)
    ledger.settle(cyd, S.DEFERRED, next_at=SOON)
    assert ledger.states == {ANN: "sent", BOB: "pending", CYD: "deferred"}
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.PAUSED, "by hand")


def test_after_a_pause_deferred_rows_are_due_at_once_and_their_time_to_give_up_starts_anew(
    ledger: OpenLedger,
) -> None:
    monday = NOW + timedelta(days=3)
    ledger.settle(
        ledger.begin(1), S.DEFERRED, reason="later", next_at=monday + timedelta(days=1)
    )
    # What a rate has postponed stays so.
    ledger.age(BOB, next_at=monday + timedelta(minutes=1))
    ledger.pause()
    ledger.resume(monday)
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.SENDING, None)
    assert (ledger.rows[ANN].state, ledger.rows[ANN].next_at) == ("deferred", monday)
    assert len(ledger.begin(9, monday)) == 2
    assert (ledger.rows[ANN].attempts, ledger.rows[ANN].tried_at) == (2, monday)
    assert ledger.states[BOB] == "pending"


def test_an_issue_that_has_changed_meanwhile_is_not_paused(ledger: OpenLedger) -> None:
    stale = ledger.issue
    ledger.pause()
    ledger.resume()
    with (
        ledger.writing() as connection,
        pytest.raises(IssueError, match="another process has moved it"),
    ):
        lifecycle.pause_issue(connection, stale, "too late", LATER)
    assert ledger.stands() is IssueState.SENDING


def test_a_person_s_pause_replaces_that_of_a_refused_login(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        key = IssueReason.LOGIN_REFUSED
        lifecycle.pause_issue(connection, ledger.issue, "535", LATER, key)
    ledger.pause()
    assert (ledger.issue.state, ledger.issue.reason_key) == ("paused", IssueReason.PAUSED)


def test_a_sent_issue_whose_bounced_mail_is_in_doubt_after_another_try_is_partial(
    ledger: OpenLedger,
) -> None:
    ledger.settle(ledger.begin(2), S.SENT)
    ledger.settle(ledger.begin(1), S.BOUNCED)
    ledger.finish()
    assert ledger.stands() is IssueState.SENT
    # As a restore finds it: the try was under way at a kill, and the issue is as the backup has it.
    for state in (S.PENDING, S.CLAIMED, S.ATTEMPTING, S.IN_DOUBT):
        ledger.age(CYD, state=state)
    with ledger.writing() as connection:
        lifecycle.reconcile_issues(connection, [ledger.number], LATER)
    assert ledger.stands() is IssueState.PARTIAL


# --- cancel


def test_cancelling_cancels_every_row_that_is_not_sent(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.DEFERRED, reason="later", next_at=SOON)
    ledger.claim(1)
    ledger.cancel()
    assert ledger.counts == kept(ledger) == {"cancelled": 3}
    assert {row.reason_key for row in ledger.rows.values()} == {ISSUE_CANCELLED.key}
    assert (ledger.issue.state, ledger.issue.reason) == (IssueState.CANCELLED, "by hand")
    assert finished_at(ledger) == LATER


def test_final_rows_of_a_cancelled_issue_stay_as_they_are(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.settle(ledger.begin(1), S.IN_DOUBT, reason="no answer")
    ledger.cancel()
    assert ledger.counts == {"sent": 1, "in_doubt": 1, "cancelled": 1}


def test_attempts_of_a_cancelled_issue_are_finished_and_counted(ledger: OpenLedger) -> None:
    claims = ledger.begin(2)
    ledger.cancel()
    with ledger.writing() as connection:
        lifecycle.sweep_cancelled(connection, LATER)
    assert ledger.counts == {"attempting": 2, "cancelled": 1}
    assert kept(ledger) == {}
    ledger.settle(claims[:1], S.SENT)
    assert kept(ledger) == {}
    ledger.settle(claims[1:], S.DEFERRED, reason="later", next_at=SOON)
    assert ledger.counts == kept(ledger) == {"sent": 1, "cancelled": 2}


@pytest.mark.parametrize(
    ("guarantee", "taken_back", "swept"),
    [
        ("idempotent", "pending", {"cancelled": 2}),
        ("ambiguous", "in_doubt", {"in_doubt": 1, "cancelled": 1}),
    ],
)
def test_rows_freed_after_a_cancellation_are_cancelled_and_doubts_are_counted(
    publication: PublicationFolder, guarantee: Guarantee, taken_back: str, swept: dict[str, int]
) -> None:
    ledger = open_test_ledger(publication, ANN, BOB, guarantee=guarantee)
    ledger.begin(1)
    ledger.cancel()
    ledger.dismiss()
    assert ledger.counts == {taken_back: 1, "cancelled": 1}
    with publication.database.writing() as connection:
        assert lifecycle.sweep_cancelled(connection, LATER) == 1
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert ledger.counts == kept(ledger) == swept


def test_an_issue_can_be_cancelled_before_its_ledger_is_open_and_is_not_sent(
    publication: PublicationFolder,
) -> None:
    issue = ready_for(publication, (ANN, "en"))
    with publication.database.writing() as connection:
        cancelled = lifecycle.cancel_issue(connection, issue, "a mistake", LATER)
        assert cancelled.state is IssueState.CANCELLED
        assert count_deliveries(connection, [issue.id]) == {issue.id: Counter()}
        assert lifecycle.sweep_cancelled(connection, LATER) == 0
    assert send(publication).messages == 0
    assert outbox(publication) == {}


def test_a_finished_issue_can_t_be_cancelled(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    ledger.finish()
    with pytest.raises(TransitionError):
        ledger.cancel()
    assert ledger.counts == {"sent": 3}


# --- the end


@pytest.mark.parametrize("state", [S.CLAIMED, S.ATTEMPTING, S.DEFERRED, S.PENDING])
def test_an_issue_with_open_rows_does_not_finish(
    ledger: OpenLedger, state: DeliveryState
) -> None:
    ledger.settle(ledger.begin(2), S.SENT)
    if state is S.CLAIMED:
        ledger.claim()
    elif state is not S.PENDING:
        claims = ledger.begin()
        if state is S.DEFERRED:
            ledger.settle(claims, state, next_at=SOON)
    assert ledger.counts == {"sent": 2, state: 1}
    assert ledger.finish() is None
    assert ledger.stands() is IssueState.SENDING
    assert kept(ledger) == {}


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ((S.SENT, S.SENT, S.SENT), IssueState.SENT),
        ((S.SENT, S.SUPPRESSED, S.SUPPRESSED), IssueState.SENT),
        ((S.SUPPRESSED, S.SUPPRESSED, S.SUPPRESSED), IssueState.SENT),
        ((S.SENT, S.BOUNCED, S.SENT), IssueState.SENT),
        ((S.SENT, S.IN_DOUBT, S.FAILED), IssueState.PARTIAL),
        ((S.BOUNCED, S.BOUNCED, S.BOUNCED), IssueState.FAILED),
        ((S.IN_DOUBT, S.SUPPRESSED, S.FAILED), IssueState.FAILED),
    ],
)
def test_the_final_state_of_an_issue_follows_from_its_rows(
    ledger: OpenLedger, ends: tuple[DeliveryState, ...], state: IssueState
) -> None:
    for claim, end in zip(ledger.begin(), ends, strict=True):
        ledger.settle([claim], end)
    with ledger.writing() as connection:
        issues.set_reason(connection, ledger.issue, "waiting: for something")
    ended = ledger.finish()
    assert ended
    assert (ended.state, ended.reason) == (state, None)
    assert finished_at(ledger) == LATER
    assert ledger.counts == kept(ledger) == Counter(ends)


def test_bounced_mail_of_a_sent_issue_is_tried_again_and_the_issue_with_it(
    ledger: OpenLedger,
) -> None:
    first, *others = ledger.begin()
    ledger.settle([first], S.BOUNCED)
    ledger.settle(others, S.SENT)
    assert ledger.finish()
    assert ledger.stands() is IssueState.SENT
    with ledger.writing() as connection:
        assert lifecycle.retry_failed(connection, ledger.issue, [S.BOUNCED], (), NOW) == (1, 0)
    assert ledger.stands() is IssueState.SENDING
    ledger.settle(ledger.begin(), S.SENT)
    assert ledger.finish()
    assert ledger.stands() is IssueState.SENT
    assert ledger.counts == {"sent": 3}


def test_a_stopped_issue_does_not_finish(ledger: OpenLedger) -> None:
    claims = ledger.begin()
    ledger.pause()
    ledger.settle(claims, S.SENT)
    assert ledger.finish() is None
    ledger.resume()
    assert ledger.finish()


def test_an_issue_finishes_once(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    stale = ledger.issue
    assert ledger.finish()
    assert ledger.finish() is None
    with (
        ledger.writing() as connection,
        pytest.raises(IssueError, match="another process has moved it"),
    ):
        lifecycle.finish_issue(connection, stale, LATER)


@pytest.mark.parametrize("state", DeliveryState)
def test_only_failed_and_doubtful_rows_make_an_issue_partial(state: DeliveryState) -> None:
    bad = state in {S.FAILED, S.IN_DOUBT}
    # Nor is it sent if all mail bounced.
    none = bad or state is S.BOUNCED
    assert lifecycle.final_state({state: 1}) is (IssueState.FAILED if none else IssueState.SENT)
    assert lifecycle.final_state({state: 1, S.SENT: 1}) is (
        IssueState.PARTIAL if bad else IssueState.SENT
    )


# --- how many stand where: always those of the rows, and kept once an issue is over


def test_counts_add_up_for_each_issue(publication: PublicationFolder) -> None:
    ledger, other = (
        open_test_ledger(publication, ANN, BOB, CYD),
        open_test_ledger(publication, language="ar"),
    )
    ledger.settle(ledger.begin(1), S.SENT)
    ledger.claim(1)
    with publication.database.reading() as connection:
        found = lifecycle.count_deliveries(connection, [ledger.number, other.number])
    assert found == {
        ledger.number: {"sent": 1, "claimed": 1, "pending": 1},
        other.number: Counter(),
    }


def test_every_state_is_counted(publication: PublicationFolder) -> None:
    emails = [f"{state}@example.com" for state in DeliveryState]
    ledger = open_test_ledger(publication, *emails)
    with publication.database.writing() as connection:
        connection.exec_driver_sql("CREATE TEMP TABLE aside AS SELECT * FROM delivery")
        connection.exec_driver_sql("DELETE FROM delivery")
        for number, state in enumerate(DeliveryState, start=1):
            connection.exec_driver_sql(
                f"UPDATE aside SET state = '{state}' WHERE subscriber_id = {number}"
            )
        connection.exec_driver_sql("INSERT INTO delivery SELECT * FROM aside")
    assert ledger.counts == dict.fromkeys(DeliveryState, 1)
    assert sum(summarise_counts(ledger.counts).values()) == len(DeliveryState)


def test_stored_counts_are_used_instead_of_the_rows(ledger: OpenLedger) -> None:
    ledger.settle(ledger.begin(), S.SENT)
    with ledger.writing() as connection:
        assert lifecycle.store_counts(connection, ledger.number) == {"sent": 3}
        connection.execute(delivery_count.update().values(count=7))
        assert lifecycle.count_deliveries(connection, [ledger.number]) == {
            ledger.number: {"sent": 7}
        }
        assert lifecycle.count_rows(connection, [ledger.number]) == {ledger.number: {"sent": 3}}


# --- the arrows: that the ledger's verbs make each of them, and no other


# What a verb that settles may make of a row, be it attempted or in doubt.
SETTLED = (S.SENT, S.DEFERRED, S.BOUNCED, S.FAILED, S.PENDING, S.SUPPRESSED)
ENDED = {S.SENT, S.SUPPRESSED, S.CANCELLED}


def test_final_states_stay_final_and_all_others_can_end() -> None:
    assert {state for state, targets in DELIVERY_TRANSITIONS.items() if not targets} == ENDED
    # A person may have the last two tried again.
    assert set(DeliveryState) - ENDED == {*OPEN_STATES, S.IN_DOUBT, S.BOUNCED, S.FAILED}


def test_reports_show_each_state_once() -> None:
    assert sorted([*REPORTED_STATES, *WAITING_STATES]) == sorted(DeliveryState)
    assert {*OPEN_STATES} == {*WAITING_STATES, S.DEFERRED}


def test_the_ledger_s_statements_make_every_transition_and_no_other(
    publication: PublicationFolder,
) -> None:
    ledger = open_test_ledger(
        publication, *(f"reader{number:02}@example.com" for number in range(34))
    )
    with ledger.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE made (source TEXT, target TEXT)")
        react(
            connection,
            "log_arrows",
            "AFTER UPDATE",
            "delivery",
            "new.state != old.state",
            "INSERT INTO made VALUES (old.state, new.state)",
        )
    a_variant_is_given_up(ledger)
    an_article_is_withdrawn(ledger)
    everything_is_done(ledger)
    with ledger.writing() as connection:
        made = {tuple(row) for row in connection.exec_driver_sql("SELECT * FROM made")}
    assert made == {
        (source, target)
        for source in DELIVERY_TRANSITIONS
        for target in DELIVERY_TRANSITIONS[source]
    }


def a_variant_is_given_up(ledger: OpenLedger) -> None:
    with ledger.writing() as connection:
        values = {"issue_id": ledger.number, "key": "x", "length": "full", "more": 0}
        added = insert(issue_variant_table).values(values).returning(issue_variant_table.c.id)
        number = connection.execute(added).scalar_one()
        row = delivery.c.subscriber_id == max(ledger.names)
        waits = {"variant_id": number, "next_at": variant_rows.NOT_RENDERED}
        connection.execute(update(delivery).where(row).values(**waits))
        variant = IssueVariant(number, ledger.number, "full", 0)
        why = (VARIANT_REJECTED, "x")
        variant_rows.give_up_variant(
            connection, ledger.issue, variant, why, LATER, timedelta(minutes=1)
        )


def an_article_is_withdrawn(ledger: OpenLedger) -> None:
    file = ledger.publication.write("en/a.md", title="Tides", date="2026-01-01")
    ledger.publication.pick_up()
    one = ledger.publication.one("a")
    file.unlink()
    ledger.publication.pick_up()
    (claim,) = ledger.begin(1)
    with ledger.writing() as connection:
        attempts.settle_attempts(connection, {claim: StateChange(S.DEFERRED)}, NOW)
        carried = MailContent([(one.story_id, one.id)])
        number = find_or_add_variant(connection, ledger.issue, carried)
        row = delivery.c.subscriber_id == claim.recipient.id
        connection.execute(update(delivery).where(row).values(variant_id=number))
        publication = ledger.publication.settings.publication
        assert leave_out_withdrawn(connection, publication, ledger.issue, NOW) == 1


def everything_is_done(ledger: OpenLedger) -> None:
    for begun in (True, False):
        # Attempted and settled at once; or taken for doubtful, and settled after all.
        claims = ledger.begin(len(SETTLED))
        if not begun:
            ledger.dismiss()
            ledger.lease_id = ledger.enlist()
        with ledger.writing() as connection:
            changes = {
                claim: StateChange(state, next_at=NOW)
                for claim, state in zip(claims, SETTLED, strict=True)
            }
            assert len(attempts.settle_attempts(connection, changes, NOW)) == len(SETTLED)
    with ledger.writing() as connection:
        hours_later = NOW + timedelta(hours=2)
        overdue = claim_rows.claim_overdue(
            connection, ledger.number, ledger.lease_id, hours_later, 9
        )
        assert claim_rows.release_claims(connection, overdue, NOW) == len(overdue) == 2
    erase(ledger.publication.database, "reader30@example.com")
    with ledger.writing() as connection:
        for state in (S.BOUNCED, S.FAILED):
            lifecycle.retry_failed(connection, ledger.issue, (state,), (), NOW)
    # All that is left but one, what was deferred included.
    claims = ledger.begin(26)
    assert len(ledger.claim()) == 1
    with ledger.writing() as connection:
        settled = attempts.settle_attempts(
            connection, {claims[0]: StateChange(S.IN_DOUBT)}, NOW
        )
        assert len(settled) == 1
        doubts.resend_doubts(connection, ledger.issue, None, NOW)
        late = {claim: StateChange(S.DEFERRED, next_at=LATER) for claim in claims[1:4]}
        attempts.settle_attempts(connection, late, NOW)
        attempts.confirm_bounces(connection, claims[1:2], NOW)
        gone = [claims[2].recipient.id, claims[4].recipient.id]
        not_sent = {claims[4]: StateChange(S.PENDING)}
        attempts.settle_attempts(connection, not_sent, NOW)
        connection.execute(
            update(subscription)
            .where(subscription.c.subscriber_id.in_(gone))
            .values(status="unsubscribed")
        )
        members = select(subscriber.c.id)
        assert attempts.suppress_waiting(connection, [ledger.number], members, NOW) == 2
    ledger.cancel()
