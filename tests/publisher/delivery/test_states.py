"""The life of a delivery: its arrows, and that the ledger's verbs make each of them, and no other."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select, update

from publisher.delivery.causes import VARIANT_REJECTED
from publisher.delivery.ledger import attempts, doubts, retries, variant_rows
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.ledger.withdrawals import leave_out_withdrawn
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import (
    DELIVERY_TRANSITIONS,
    OPEN_STATES,
    REPORTED_STATES,
    WAITING_STATES,
    DeliveryState,
)
from publisher.delivery.tables import delivery
from publisher.issues.tables import issue_variant_table
from publisher.issues.variants import IssueVariant, find_or_add_variant
from subscribers.tables import subscriber, subscription
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import LATER, OpenLedger, S, open_test_ledger
from tests.publisher.delivery.mailing import erase
from tests.triggers import react

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
        carried = [(one.story_id, one.id)]
        number = find_or_add_variant(connection, ledger.issue, carried, length=None, more=0)
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
            retries.retry_failed(connection, ledger.issue, (state,), (), NOW)
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
