"""Try failed deliveries again, because a person says that the cause is gone.

The message has the same Message-ID, so that a recipient who got it after all can recognise it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Integer, and_, func, select, update

from publisher.database.dialect.sql import json_list
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.ledger.received import received_since
from publisher.delivery.ledger.variant_rows import when_due
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue, IssueState, check_transition
from publisher.issues.tables import issue_table
from subscribers import still_wanted

# News of last month is no news.
RETRY_PERIOD: Final = timedelta(days=7)
RETRYABLE_STATES: Final = (DeliveryState.BOUNCED, DeliveryState.FAILED)


def finished_at(connection: Connection, issue: Issue) -> datetime | None:
    """Return when an issue was finished; None if it is not."""
    query = select(issue_table.c.finished_at).where(issue_table.c.id == issue.id)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def retry_failed(
    connection: Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    causes: Collection[str],
    now: datetime,
) -> tuple[int, int]:
    """Make failed rows pending again, and reopen their issue.

    Without `causes`, which are keys, those of any cause. Returns how many, and how many are left
    because their subscribers don't get the newsletter any more, or have got an article of it by
    another issue. Raises TransitionError for a
    cancelled issue.
    """
    if issue.state is IssueState.CANCELLED:
        check_transition(issue.state, IssueState.SENDING)
    chosen: list[ColumnElement[bool]] = [delivery.c.issue_id == issue.id, in_states(*states)]
    if causes:
        chosen.append(delivery.c.reason_key.in_(sorted(causes)))
    got = received_since(connection, issue, and_(*chosen))
    wanted = still_wanted(issue.newsletter, delivery.c.subscriber_id, now)
    wanted &= delivery.c.subscriber_id.not_in(json_list("got", Integer()))
    given = {"got": json.dumps(got)}
    unwanted = select(func.count()).select_from(delivery).where(*chosen, ~wanted)
    left = connection.execute(unwanted, given).scalar_one()
    statement = (
        update(delivery)
        .where(*chosen, wanted)
        .values(
            state=DeliveryState.PENDING,
            # A new epoch: the run that sent it before can't settle it any more.
            epoch=delivery.c.epoch + 1,
            lease_id=None,
            next_at=when_due(now),
            tried_at=None,
            changed_at=now,
        )
    )
    count = connection.execute(statement, given).rowcount
    if count:
        lifecycle.reconcile_issues(connection, [issue.id], now)
    return count, left
