"""Delete the rows of issues that were finished long ago. Their counts stay, as reports show them.

An issue keeps its rows while somebody may have to decide about one of them, or a correction waits that
goes to those who got it. The counts are stored first. Then the rows are deleted in small transactions:
after a kill the next run goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, delete, exists, insert, select

from publisher.database import Database
from publisher.delivery.ledger.counts import is_pruned
from publisher.delivery.ledger.received import OPENED_STATES
from publisher.delivery.ledger.reports import OutcomeCount, count_outcomes
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.tables import delivery, delivery_count, delivery_outcome
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table

log = structlog.get_logger()

# Rows in one transaction, which others wait for, and in one run: a cycle has other things to do.
_ROWS, _MOST = 5_000, 200_000
# A domain with fewer deliveries may name a person.
_LEAST_OF_DOMAIN = 10
_OTHER_DOMAINS = "other"
_HAS_ROWS = exists().where(delivery.c.issue_id == issue_table.c.id)
_IS_PRUNED = exists().where(delivery_outcome.c.issue_id == issue_table.c.id)
_HAS_DOUBTS = exists().where(
    delivery_count.c.issue_id == issue_table.c.id,
    delivery_count.c.state.in_((*OPEN_STATES, DeliveryState.IN_DOUBT)),
)
_correction = issue_table.alias()
_HAS_WAITING_CORRECTION = exists().where(
    _correction.c.corrects_id == issue_table.c.id,
    _correction.c.state.not_in((*OPENED_STATES, IssueState.SKIPPED)),
)
_FINISHED = (IssueState.SENT, IssueState.PARTIAL, IssueState.FAILED, IssueState.CANCELLED)


def prune_ledgers(database: Database, keep: timedelta, now: datetime, most: int = _MOST) -> int:
    """Delete up to `most` rows of issues that were finished before the time `keep`. Return how many."""
    with database.reading() as connection:
        found = [*_begun(connection), *_to_begin(connection, now - keep)]
    deleted = 0
    for issue_id in found:
        if deleted >= most:
            break
        if not _keep_counts(database, issue_id, now - keep):
            continue
        deleted += (count := _delete_rows(database, issue_id, most - deleted))
        log.info("old deliveries were deleted; their counts stay", issue=issue_id, rows=count)
    return deleted


def _begun(connection: Connection) -> Sequence[int]:
    query = select(issue_table.c.id).where(_IS_PRUNED, _HAS_ROWS)
    return connection.execute(query).scalars().all()


def _to_begin(connection: Connection, before: datetime) -> Sequence[int]:
    query = select(issue_table.c.id).where(
        issue_table.c.state.in_(_FINISHED),
        issue_table.c.finished_at < before,
        _HAS_ROWS,
        ~_IS_PRUNED,
        ~_HAS_DOUBTS,
        ~_HAS_WAITING_CORRECTION,
    )
    return connection.execute(query.order_by(issue_table.c.finished_at)).scalars().all()


def _keep_counts(database: Database, issue_id: int, before: datetime) -> bool:
    """Store the counts of an issue, unless they are stored. Return whether its rows may be deleted.

    They do not change any more. But somebody may correct the issue meanwhile.
    """
    with database.reading() as connection:
        counted = _by_large_domain(count_outcomes(connection, issue_id))
    with database.writing() as connection:
        if is_pruned(connection, issue_id):
            return True
        if issue_id not in _to_begin(connection, before):
            return False
        rows = [
            {"issue_id": issue_id, "domain": domain, "state": state, "reason_key": key}
            | {"count": count}
            for (domain, state, key), count in counted.items()
        ]
        connection.execute(insert(delivery_outcome), rows)
        return True


def _by_large_domain(outcomes: Sequence[OutcomeCount]) -> Counter[tuple[str, str, str]]:
    of_domain = Counter[str | None]()
    for one in outcomes:
        of_domain[one.domain] += one.count
    found = Counter[tuple[str, str, str]]()
    for one in outcomes:
        domain = one.domain or ""
        if domain and of_domain[domain] < _LEAST_OF_DOMAIN:
            domain = _OTHER_DOMAINS
        found[domain, one.state, one.reason_key or ""] += one.count
    return found


def _delete_rows(database: Database, issue_id: int, most: int) -> int:
    of_issue, number = delivery.c.issue_id == issue_id, delivery.c.subscriber_id
    deleted = 0
    while deleted < most:
        some = select(number).where(of_issue).order_by(number).limit(min(_ROWS, most - deleted))
        with database.writing() as connection:
            count = connection.execute(delete(delivery).where(of_issue, number.in_(some)))
        if not count.rowcount:
            break
        deleted += count.rowcount
    return deleted
