"""Who did not get an issue, and why: rows for people, in portions, and causes counted.

A ledger may have a million rows, and whoever reads them may take an hour: a portion is fetched at
a time, and what is summed up is looked at only so far. Reads only; moves no row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from publisher.issues.states import IssueState
from subscribers import load_recipients

# Rows fetched at a time.
PORTION = 1_000
# Behind a cause stands what the server said: `the mailbox is full (452 4.2.2: no room)`.
SAID = re.compile(r" \(\d{3}\b")
UNSAID = "no reason is known"
# Where a cause is worth a line. What is in doubt has a list of its own.
FAILURE_STATES = (DeliveryState.DEFERRED, DeliveryState.BOUNCED, DeliveryState.FAILED)
ENDED_UNSENT = (
    DeliveryState.BOUNCED,
    DeliveryState.FAILED,
    DeliveryState.IN_DOUBT,
    DeliveryState.SUPPRESSED,
    DeliveryState.CANCELLED,
)
COLUMNS = delivery.c["subscriber_id", "state", "attempts", "next_at", "changed_at", "reason"]
STATE = delivery.c.state
# All but what was sent, and what waits for its first try.
WORTH_A_LOOK = or_(
    STATE.in_((*ENDED_UNSENT, DeliveryState.DEFERRED)),
    and_(STATE.in_((DeliveryState.PENDING, DeliveryState.CLAIMED)), delivery.c.attempts > 0),
)

ReasonCounts = Counter[tuple[DeliveryState, str]]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """How one delivery stands; no address where the reader was erased."""

    subscriber_id: int
    address: str | None
    state: DeliveryState
    attempts: int
    # When it is tried next, if that comes by itself.
    next_at: datetime | None
    changed_at: datetime
    reason: str | None


def list_deliveries(
    connection: Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    after: int = 0,
    most: int = PORTION,
) -> list[DeliveryRecord]:
    """List deliveries of readers whose number is above `after`, in their order, `most` at a time.

    Without states, all but those that were sent or wait for their first try. The last line's number
    is where the next portion goes on; none says that there are no more.
    """
    query = select(*COLUMNS).where(
        delivery.c.issue_id == issue.id,
        delivery.c.subscriber_id > after,
        # Likely, or SQLite would go by the index of states, and sort all of them each time.
        func.likely(STATE.in_(states) if states else WORTH_A_LOOK),
    )
    rows = connection.execute(query.order_by(delivery.c.subscriber_id).limit(most)).all()
    found = load_recipients(connection, [row.subscriber_id for row in rows]) if rows else []
    known = {reader.id: reader.address for reader in found}
    tried = CLAIMABLE_STATES if issue.state is IssueState.SENDING else ()
    return [_line(row, known.get(row.subscriber_id), tried) for row in rows]


def _line(
    row: Row[Any], address: str | None, tried: Collection[DeliveryState]
) -> DeliveryRecord:
    return DeliveryRecord(
        row.subscriber_id,
        address,
        DeliveryState(row.state),
        row.attempts,
        row.next_at if row.state in tried else None,
        row.changed_at,
        row.reason,
    )


def count_reasons(
    connection: Connection, issue_id: int, states: Collection[DeliveryState], most: int
) -> ReasonCounts:
    """Count the causes of deliveries that stand so, looking at `most` rows of each state."""
    found: ReasonCounts = Counter()
    for state in states:
        here = (delivery.c.issue_id == issue_id) & in_states(state)
        query = select(delivery.c.reason).where(here).limit(most)
        reasons = connection.execute(query).scalars()
        found.update((state, strip_server_text(reason)) for reason in reasons)
    return found


def strip_server_text(reason: str | None) -> str:
    """Give a reason without the server's own words, which are different for each reader."""
    return SAID.split(reason or "", maxsplit=1)[0] or UNSAID
