"""Rows of the ledger that follow from what a journal says, or that nothing says anything about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, insert, literal, null, select, update

from publisher.database.dialect.sql import upsert
from publisher.database.engine import chunks
from publisher.delivery.causes import RESTORED
from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.lineage.journal import JournalContent
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery, recovered_delivery
from publisher.issues.model import Issue
from subscribers.tables import subscriber

# Rows that are stored at a time.
_ROWS = 10_000
# What a word of the journal means for a row. Before an answer is known, the message may have left.
_MEANING = {
    DeliveryState.ATTEMPTING: DeliveryState.IN_DOUBT,
    DeliveryState.CLAIMED: DeliveryState.PENDING,
    DeliveryState.DEFERRED: DeliveryState.PENDING,
}


def apply_recovered(connection: Connection, issue: Issue, now: datetime) -> None:
    """Give rows of an issue the states that a journal knew, unless they are sent already."""
    word = recovered_delivery.c
    here = (
        (word.issue == issue.name)
        & (word.subscriber_id == delivery.c.subscriber_id)
        & (word.state != DeliveryState.PENDING)
    )
    state = select(word.state).where(here).correlate(delivery).scalar_subquery()
    lease = select(word.lease_id).where(here).correlate(delivery).scalar_subquery()
    statement = (
        update(delivery)
        .where(
            delivery.c.issue_id == issue.id,
            delivery.c.state != DeliveryState.SENT,
            select(word.state).where(here).correlate(delivery).exists(),
        )
        .values(
            state=state,
            # The outbox places what a lease has sent and not placed.
            lease_id=case((state == DeliveryState.SENT, lease)),
            reason_key=case((state == DeliveryState.IN_DOUBT, RESTORED.key)),
            reason=null(),
            epoch=delivery.c.epoch + 1,
            tried_at=null(),
            changed_at=now,
        )
    )
    connection.execute(statement)


def store_words(connection: Connection, content: JournalContent) -> None:
    """Store what a journal says, for the ledgers of all issues: open ones, and those that are opened later."""
    rows = [
        {
            "issue": issue,
            "subscriber_id": subscriber,
            "state": meaning_of(word.state),
            "lease_id": word.lease_id,
        }
        for issue, words in content.words.items()
        for subscriber, word in words.items()
    ]
    statement = upsert(connection, recovered_delivery)
    statement = statement.on_conflict_do_update(
        index_elements=["issue", "subscriber_id"],
        set_={"state": statement.excluded.state, "lease_id": statement.excluded.lease_id},
    )
    for some in chunks(rows, _ROWS):
        connection.execute(statement, list(some))


def forget_doubts(connection: Connection, name: str) -> None:
    """Let rows in doubt of an issue be sent when its ledger is opened."""
    here = (recovered_delivery.c.issue == name) & (
        recovered_delivery.c.state == DeliveryState.IN_DOUBT
    )
    values = {"state": DeliveryState.PENDING}
    connection.execute(update(recovered_delivery).where(here).values(values))


def take_for_sent(connection: Connection, name: str) -> None:
    """Count an issue as sent to all subscribers: whoever gets it, when its ledger is opened, has it."""
    row = recovered_delivery.c
    connection.execute(delete(recovered_delivery).where(row.issue == name))
    sent = select(literal(name), subscriber.c.id, literal(DeliveryState.SENT))
    columns = ("issue", "subscriber_id", "state")
    connection.execute(insert(recovered_delivery).from_select(columns, sent))


def issues_with_held_rows(connection: Connection) -> set[int]:
    """Return the numbers of issues of which rows are held, by whatever lease."""
    held = in_states(DeliveryState.CLAIMED, DeliveryState.ATTEMPTING)
    query = select(delivery.c.issue_id).where(delivery.c.lease_id.is_not(None), held)
    return {*connection.execute(query.distinct()).scalars()}


def settle_unknown(
    connection: Connection, issue: Issue, now: datetime, *, also_waiting: bool
) -> None:
    """Set unknown rows to in doubt, and claimed rows back to pending."""
    of_issue = delivery.c.issue_id == issue.id
    doubt: dict[str, Any] = {
        "state": DeliveryState.IN_DOUBT,
        "reason_key": RESTORED.key,
        "reason": None,
        # Not tried again by the newsletter's policy: a person decides.
        "tried_at": None,
        "lease_id": None,
        "epoch": delivery.c.epoch + 1,
        "changed_at": now,
    }
    under_way = [in_states(DeliveryState.ATTEMPTING)]
    if also_waiting:
        waiting = in_states(*CLAIMABLE_STATES, DeliveryState.CLAIMED)
        under_way.append(waiting & (delivery.c.due_at <= now))
    for some in under_way:
        connection.execute(update(delivery).where(of_issue, some).values(doubt))
    in_doubt = in_states(DeliveryState.IN_DOUBT)
    connection.execute(update(delivery).where(of_issue, in_doubt).values(tried_at=None))
    claimed = update(delivery).where(of_issue, in_states(DeliveryState.CLAIMED))
    free = {"state": DeliveryState.PENDING, "lease_id": None, "epoch": delivery.c.epoch + 1}
    connection.execute(claimed.values(free))


def meaning_of(state: str) -> DeliveryState:
    """Return the state of a row of which the journal says this last."""
    known = DeliveryState(state)
    return _MEANING.get(known, known)
