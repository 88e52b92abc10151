"""The life of a delivery: its arrows, and that the ledger's verbs make each of them, and no other."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from publisher.delivery.ledger import attempts, doubts, retries
from publisher.delivery.ledger import claims as claim_rows
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import (
    DELIVERY_TRANSITIONS,
    OPEN_STATES,
    REPORTED_STATES,
    WAITING_STATES,
    DeliveryState,
)
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
        publication, *(f"reader{number:02}@example.com" for number in range(32))
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
    everything_is_done(ledger)
    with ledger.writing() as connection:
        made = {tuple(row) for row in connection.exec_driver_sql("SELECT * FROM made")}
    assert made == {
        (source, target)
        for source in DELIVERY_TRANSITIONS
        for target in DELIVERY_TRANSITIONS[source]
    }


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
