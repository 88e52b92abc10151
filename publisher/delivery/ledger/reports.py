"""Reports of who did not get an issue, and why: rows in pages, and reasons counted. Reads only.

A ledger may have a million rows, and a pager may stay open for an hour. So rows are read one page
at a time, and reasons are counted over a limited number of rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from publisher.database.dialect.sql import likely
from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.states import CLAIMABLE_STATES, UNSENT_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue, IssueState
from subscribers import load_recipients

# Rows read at a time.
_PAGE_SIZE = 1_000
# The server's own words follow our reason: `the mailbox is full (452 4.2.2: no room)`.
_SERVER_TEXT = re.compile(r" \(\d{3}\b")
_NO_REASON = "no reason is known"
_NOT_SENT_STATES = (
    *UNSENT_STATES,
    DeliveryState.SUPPRESSED,
    DeliveryState.CANCELLED,
)
_COLUMNS = delivery.c["subscriber_id", "state", "attempts", "next_at", "changed_at", "reason"]
_STATE = delivery.c.state
# All but sent rows and rows that wait for their first try.
_NOT_SENT = or_(
    _STATE.in_(_NOT_SENT_STATES),
    and_(_STATE.in_((DeliveryState.PENDING, DeliveryState.CLAIMED)), delivery.c.attempts > 0),
)

ReasonCounts = Counter[tuple[DeliveryState, str]]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One delivery. The address is None if the subscriber was erased."""

    subscriber_id: int
    address: str | None
    state: DeliveryState
    attempts: int
    # When it is tried next, if no person has to act first.
    next_at: datetime | None
    changed_at: datetime
    reason: str | None


def list_deliveries(
    connection: Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    after: int = 0,
    most: int = _PAGE_SIZE,
) -> list[DeliveryRecord]:
    """List deliveries to subscribers with ids above `after`, in order, up to `most`.

    Without states, all but those that are sent or wait for their first try. Pass the last id as
    `after` to get the next page; an empty page is the end.
    """
    query = select(*_COLUMNS).where(
        delivery.c.issue_id == issue.id,
        delivery.c.subscriber_id > after,
        # Otherwise the index of states might be used, and all rows sorted each time.
        likely(_STATE.in_(states) if states else _NOT_SENT),
    )
    rows = connection.execute(query.order_by(delivery.c.subscriber_id).limit(most)).all()
    found = load_recipients(connection, [row.subscriber_id for row in rows]) if rows else []
    addresses = {one.id: one.address for one in found}
    retried = CLAIMABLE_STATES if issue.state is IssueState.SENDING else ()
    return [_record(row, addresses.get(row.subscriber_id), retried) for row in rows]


def _record(
    row: Row[Any], address: str | None, retried: Collection[DeliveryState]
) -> DeliveryRecord:
    return DeliveryRecord(
        row.subscriber_id,
        address,
        DeliveryState(row.state),
        row.attempts,
        row.next_at if row.state in retried else None,
        row.changed_at,
        row.reason,
    )


def count_reasons(
    connection: Connection, issue_id: int, states: Collection[DeliveryState], most: int
) -> ReasonCounts:
    """Count the reasons of deliveries by state, over at most `most` rows of each."""
    found: ReasonCounts = Counter()
    for state in states:
        of_issue = (delivery.c.issue_id == issue_id) & in_states(state)
        query = select(delivery.c.reason).where(of_issue).limit(most)
        reasons = connection.execute(query).scalars()
        found.update((state, strip_server_text(reason)) for reason in reasons)
    return found


def strip_server_text(reason: str | None) -> str:
    """Return a reason without the server's own words, which differ for each recipient."""
    return _SERVER_TEXT.split(reason or "", maxsplit=1)[0] or _NO_REASON
