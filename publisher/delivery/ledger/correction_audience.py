"""Who gets a correction: those to whom the issue with the error was sent, and who still want it.

Each gets it in the language in which the error came, whatever language was chosen since. Nobody else
gets it, and the issue itself is never sent again.

Mail of the issue may still be deferred. Who is to get it has a row that is not due until it was sent, so
that nobody gets the correction before the error. The correction is being sent until all of these are decided.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from publisher.database.dialect.sql import update_statistics
from publisher.delivery.ledger.claims import add_rows, in_states
from publisher.delivery.ledger.variant_rows import NOT_RENDERED
from publisher.delivery.states import OPEN_STATES, DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from subscribers.audiences import is_paused, is_subscribed, still_wanted
from subscribers.model import SubscriberStatus
from subscribers.tables import subscriber, subscriber_alias


class CorrectionStanding(StrEnum):
    """What becomes of somebody to whom an issue was sent, or was to be sent, in its correction."""

    RECIPIENT = "recipient"
    # Mail of the issue is deferred: the correction comes after it, if it is sent.
    DEFERRED = "deferred"
    # The issue with the error was not sent, or nobody knows whether it was.
    NOT_SENT = "not-sent"
    IN_DOUBT = "in-doubt"
    ERASED = "erased"
    LEFT = "left"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    PAUSED = "paused"
    OTHER_CADENCE = "other-cadence"


def open_correction_ledger(connection: sa.Connection, issue: Issue, now: datetime) -> int:
    # First those who wait: of two records that were merged, one may have got the issue already.
    count = _insert(connection, issue, OPEN_STATES, NOT_RENDERED, now)
    count += _insert(connection, issue, (DeliveryState.SENT,), now, now)
    update_statistics(connection, "delivery")
    return count


def _insert(
    connection: sa.Connection,
    issue: Issue,
    states: Collection[DeliveryState],
    next_at: datetime,
    now: datetime,
) -> int:
    got = _ledger_of(issue.corrects_id)
    at, due = (sa.literal(one, delivery.c.due_at.type) for one in (now, next_at))
    pending = sa.literal(DeliveryState.PENDING.value)
    # Among distinct rows, a NULL without a type is taken for text.
    no_cause, no_variant = sa.literal(None, sa.Text()), sa.cast(sa.null(), sa.Integer())
    rows = (
        sa.select(sa.literal(issue.id), got.c.id, pending, at, due, at, no_cause, no_variant)
        .where(got.c.state.in_(states), still_wanted(issue.newsletter, got.c.id, now))
        # Two records that were merged may both have got the issue.
        .distinct()
    )
    return add_rows(connection, rows)


def settle_waiting(connection: sa.Connection, issue: Issue, now: datetime) -> int:
    """Make the rows of a correction due whose issue was sent meanwhile, drop those of who won't get it; return how many."""
    waits = (
        (delivery.c.issue_id == issue.id)
        & in_states(DeliveryState.PENDING)
        & (delivery.c.next_at == NOT_RENDERED)
        & ~_has_of_first(issue, OPEN_STATES)
    )
    was_sent = _has_of_first(issue, (DeliveryState.SENT,))
    connection.execute(sa.delete(delivery).where(waits, ~was_sent))
    due = sa.update(delivery).where(waits).values(next_at=now)
    return connection.execute(due).rowcount


def _has_of_first(issue: Issue, states: Collection[DeliveryState]) -> sa.ColumnElement[bool]:
    first, former = delivery.alias("first"), subscriber_alias
    of_issue = (first.c.issue_id == issue.corrects_id) & first.c.state.in_(states)
    number = delivery.c.subscriber_id
    of_former = first.c.subscriber_id == former.c.former_id
    return sa.exists().where(of_issue, first.c.subscriber_id == number) | sa.exists().where(
        of_issue, of_former, former.c.subscriber_id == number
    )


def count_untried(connection: sa.Connection, issue: Issue) -> int:
    query = sa.select(sa.func.count()).where(
        delivery.c.issue_id == issue.id, in_states(*OPEN_STATES), delivery.c.attempts == 0
    )
    return int(connection.execute(query).scalar_one())


def count_correction_audience(
    connection: sa.Connection, first: Issue, now: datetime
) -> Counter[CorrectionStanding]:
    """Count an issue's rows by what a correction sent now means for them; rows of merged records count once."""
    got = _ledger_of(first.id)
    standing = _standing(got, first.newsletter, now).label("standing")
    joined = got.outerjoin(subscriber, subscriber.c.id == got.c.id)
    query = (
        sa.select(standing, sa.func.count(got.c.id.distinct()))
        .select_from(joined)
        .group_by(sa.literal_column("standing"))
    )
    found = connection.execute(query)
    return Counter({CorrectionStanding(key): count for key, count in found})


def _ledger_of(first_id: int | None) -> sa.Subquery:
    number = sa.func.coalesce(subscriber_alias.c.subscriber_id, delivery.c.subscriber_id)
    return (
        sa.select(number.label("id"), delivery.c.state)
        .select_from(
            delivery.outerjoin(
                subscriber_alias, subscriber_alias.c.former_id == delivery.c.subscriber_id
            )
        )
        .where(delivery.c.issue_id == first_id)
        .subquery()
    )


def _standing(got: sa.Subquery, newsletter: str, now: datetime) -> sa.ColumnElement[str]:
    """Return what somebody is to the correction; the first condition that is true decides."""
    conditions: list[tuple[sa.ColumnElement[bool], CorrectionStanding]] = [
        (got.c.state == DeliveryState.IN_DOUBT, CorrectionStanding.IN_DOUBT),
        (
            got.c.state.in_(OPEN_STATES) & still_wanted(newsletter, got.c.id, now),
            CorrectionStanding.DEFERRED,
        ),
        (got.c.state != DeliveryState.SENT, CorrectionStanding.NOT_SENT),
        (still_wanted(newsletter, got.c.id, now), CorrectionStanding.RECIPIENT),
        (subscriber.c.id.is_(None), CorrectionStanding.ERASED),
        (subscriber.c.status == SubscriberStatus.COMPLAINED, CorrectionStanding.COMPLAINED),
        (subscriber.c.status == SubscriberStatus.BOUNCED, CorrectionStanding.BOUNCED),
        (~is_subscribed(sa.literal(newsletter), got.c.id), CorrectionStanding.LEFT),
        (is_paused(got.c.id, now), CorrectionStanding.PAUSED),
    ]
    pairs = [(condition, sa.literal(standing.value)) for condition, standing in conditions]
    return sa.case(*pairs, else_=sa.literal(CorrectionStanding.OTHER_CADENCE.value))
