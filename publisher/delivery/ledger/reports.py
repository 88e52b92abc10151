"""Reports of who did not get an issue, and why; and the deletion of rows that are old.

A ledger may have a million rows, and a pager may stay open for an hour: rows are read one page at a time, reasons
counted over a limited number. An issue keeps its rows while somebody may have to decide about one, or a correction
waits that goes to those who got it. Counts are stored before rows are deleted, in small transactions.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, or_, select

from publisher.database import Database
from publisher.database.dialect.sql import likely, text_after
from publisher.delivery.causes import Cause, advise, cause_of, explain_delivery
from publisher.delivery.ledger.already_sent import OPENED_STATES
from publisher.delivery.ledger.claims import in_states
from publisher.delivery.ledger.lifecycle import is_pruned
from publisher.delivery.ledger.variant_rows import NOT_RENDERED
from publisher.delivery.states import (
    CLAIMABLE_STATES,
    OPEN_STATES,
    UNSENT_STATES,
    DeliveryState,
)
from publisher.delivery.tables import delivery, delivery_count, delivery_outcome
from publisher.issues.model import Issue, IssueState
from publisher.issues.store import is_of_edition
from publisher.issues.tables import issue_table
from publisher.log import log
from subscribers.audiences import load_recipients
from subscribers.model import SubscriberStatus
from subscribers.tables import subscriber, subscriber_event

_WORDS_READ = 1_000  # rows whose words are read, to show the most frequent ones of a cause
_PAGE_SIZE = 1_000
_NOT_SENT_STATES = (*UNSENT_STATES, DeliveryState.SUPPRESSED, DeliveryState.CANCELLED)
_COLUMNS = delivery.c["subscriber_id", "state", "attempts", "next_at", "changed_at"]
_WHY = [delivery.c.reason_key, delivery.c.reason]
_STATE = delivery.c.state
# All but sent rows and rows that wait for their first try.
_NOT_SENT = or_(
    _STATE.in_(_NOT_SENT_STATES),
    and_(_STATE.in_((DeliveryState.PENDING, DeliveryState.CLAIMED)), delivery.c.attempts > 0),
)


class CountedCause(NamedTuple):
    """A state of deliveries and the cause of it."""

    state: DeliveryState
    cause: Cause

    @property
    def sentence(self) -> str:
        return explain_delivery(self.state, self.cause.key) or self.cause.sentence

    @property
    def advice(self) -> str:
        return advise(self.state, self.cause.key)


CauseCounts = Counter[CountedCause]


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One delivery. The address is None if the subscriber was erased."""

    subscriber_id: int
    address: str | None
    state: DeliveryState
    attempts: int
    next_at: datetime | None  # when it is tried next, if no person has to act first
    changed_at: datetime
    reason: str | None  # why, in one sentence; the key of its cause
    reason_key: str | None = None

    @property
    def advice(self) -> str | None:
        return advise(self.state, self.reason_key) if self.reason_key else None


def list_deliveries(
    connection: Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    after: int = 0,
    most: int = _PAGE_SIZE,
) -> list[DeliveryRecord]:
    """List deliveries to subscribers with ids above `after`; without states, all but those sent or waiting for a first try."""
    query = select(*_COLUMNS, *_WHY).where(
        delivery.c.issue_id == issue.id,
        delivery.c.subscriber_id > after,
        # Otherwise the index of states might be used, and all rows sorted each time.
        likely(_STATE.in_(states) if states else _NOT_SENT),
    )
    rows = connection.execute(query.order_by(delivery.c.subscriber_id).limit(most)).all()
    recipients = (
        load_recipients(connection, [row.subscriber_id for row in rows]) if rows else []
    )
    addresses = {one.id: one.address for one in recipients}
    retried = CLAIMABLE_STATES if issue.state is IssueState.SENDING else ()
    return [_record(row, addresses.get(row.subscriber_id), retried) for row in rows]


def _record(
    row: Row[Any], address: str | None, retried: Collection[DeliveryState]
) -> DeliveryRecord:
    state = DeliveryState(row.state)
    return DeliveryRecord(
        row.subscriber_id,
        address,
        state,
        row.attempts,
        row.next_at if row.state in retried else None,
        row.changed_at,
        explain_delivery(state, row.reason_key, row.reason),
        row.reason_key,
    )


def count_causes(
    connection: Connection, issue_id: int, states: Collection[DeliveryState], most: int
) -> CauseCounts:
    counts: CauseCounts = Counter()
    for state in states:
        of_issue = (delivery.c.issue_id == issue_id) & in_states(state)
        some = select(delivery.c.reason_key).where(of_issue).limit(most).subquery()
        query = select(some.c.reason_key, func.count()).group_by(some.c.reason_key)
        for key, number in connection.execute(query):
            counts[CountedCause(state, cause_of(key))] += number
    return counts


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How many deliveries have a state and a cause at a receiving domain, None for erased subscribers."""

    domain: str | None
    state: DeliveryState
    reason_key: str | None
    count: int


def count_outcomes(connection: Connection, issue_id: int) -> list[OutcomeCount]:
    """Count all deliveries of an issue, in groups that add up to them; or return what was counted."""
    kept = select(*delivery_outcome.c["domain", "state", "reason_key", "count"]).where(
        delivery_outcome.c.issue_id == issue_id
    )
    columns = [text_after(subscriber.c.email, "@").label("domain"), _STATE, _WHY[0]]
    counted = (
        select(*columns, func.count())
        .select_from(
            delivery.outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        )
        .where(delivery.c.issue_id == issue_id)
        .group_by(*columns)
    )
    return [
        OutcomeCount(domain or None, DeliveryState(state), key or None, count)
        for domain, state, key, count in connection.execute(kept).all()
        or connection.execute(counted).all()
    ]


_LEAVING_PERIOD = timedelta(days=31)  # who leaves later does not leave because of an issue


def count_unsubscribed(connection: Connection, issue: Issue) -> int | None:
    """Return how many left the newsletter after an issue reached them and before the next one was due; None if its rows are deleted.

    Who complained left, too.
    """
    if is_pruned(connection, issue.id):
        return None
    of_edition = is_of_edition(issue.newsletter, issue.language)
    later = of_edition & (issue_table.c.due_at > issue.due_at)
    opened = issue_table.c.state.in_(OPENED_STATES)
    next_due = connection.scalar(select(func.min(issue_table.c.due_at)).where(later, opened))
    end = issue.due_at + _LEAVING_PERIOD
    event = subscriber_event.c
    query = (
        select(func.count(event.subscriber_id.distinct()))
        .join_from(subscriber_event, delivery, delivery.c.subscriber_id == event.subscriber_id)
        .where(
            event.at >= issue.due_at,
            event.at < min(end, next_due or end),
            event.newsletter == issue.newsletter.partition(".")[0],
            event.before == SubscriberStatus.ACTIVE,
            event.after == SubscriberStatus.UNSUBSCRIBED,
            delivery.c.issue_id == issue.id,
            delivery.c.state == DeliveryState.SENT,
            delivery.c.changed_at <= event.at,
        )
    )
    return connection.execute(query).scalar_one()


def frequent_words(
    connection: Connection, issue_id: int, state: DeliveryState, key: str | None, most: int
) -> list[str]:
    of_cause = delivery.c.reason_key.is_(None) if key is None else delivery.c.reason_key == key
    query = select(delivery.c.reason).where(
        delivery.c.issue_id == issue_id, in_states(state), of_cause, delivery.c.reason != ""
    )
    found = Counter(connection.execute(query.limit(_WORDS_READ)).scalars())
    return [words for words, _count in found.most_common(most)]


# Rows in one transaction, which others wait for, and in one run: a cycle has other things to do.
_ROWS, _MOST = 5_000, 200_000
_LEAST_OF_DOMAIN = 10  # a domain with fewer deliveries may name a person
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
    begun = select(issue_table.c.id).where(_IS_PRUNED, _HAS_ROWS)
    with database.reading() as connection:
        numbers = [*connection.scalars(begun), *_to_begin(connection, now - keep)]
    deleted = 0
    for issue_id in numbers:
        if deleted >= most:
            break
        if not _keep_counts(database, issue_id, now - keep):
            continue
        deleted += (count := _delete_rows(database, issue_id, most - deleted))
        log.info("old deliveries were deleted; their counts stay", issue=issue_id, rows=count)
    return deleted


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
    """Store an issue's counts once; return whether its rows may be deleted: it may be corrected meanwhile."""
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
    for outcome in outcomes:
        of_domain[outcome.domain] += outcome.count
    counts = Counter[tuple[str, str, str]]()
    for outcome in outcomes:
        domain = outcome.domain or ""
        if domain and of_domain[domain] < _LEAST_OF_DOMAIN:
            domain = _OTHER_DOMAINS
        counts[domain, outcome.state, outcome.reason_key or ""] += outcome.count
    return counts


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


def last_due_at(connection: Connection, issue_id: int, now: datetime) -> datetime | None:
    query = (
        select(delivery.c.next_at)
        .where(
            delivery.c.issue_id == issue_id,
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.next_at > now,
            delivery.c.next_at < NOT_RENDERED,
        )
        .order_by(delivery.c.next_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()
