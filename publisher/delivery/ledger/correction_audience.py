"""Who gets a correction: those to whom the issue with the error was sent, and who still want it.

Each gets it in the language in which the error came, whatever language was chosen since. Nobody else
gets it, and the issue itself is never sent again.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Subquery,
    Text,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
)

from publisher.database.dialect.sql import update_statistics, upsert
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from subscribers import SubscriberStatus, is_paused, is_subscribed, still_wanted
from subscribers.tables import subscriber, subscriber_alias

_NAMES = ["issue_id", "subscriber_id", "state", "due_at", "next_at", "changed_at"]
_NAMES += ["reason_key", "variant_id"]


class CorrectionStanding(StrEnum):
    """What becomes of somebody to whom an issue was sent, or was to be sent, in its correction."""

    RECIPIENT = "recipient"
    # The issue with the error was not sent, or nobody knows whether it was.
    NOT_SENT = "not-sent"
    IN_DOUBT = "in-doubt"
    ERASED = "erased"
    LEFT = "left"
    COMPLAINED = "complained"
    BOUNCED = "bounced"
    PAUSED = "paused"
    OTHER_CADENCE = "other-cadence"


def open_correction_ledger(connection: Connection, issue: Issue, now: datetime) -> int:
    """Insert a row for everybody who gets a correction. Return how many were inserted."""
    got = _ledger_of(issue.corrects_id)
    at = literal(now, delivery.c.due_at.type)
    columns = (literal(issue.id), got.c.id, literal(DeliveryState.PENDING.value), at, at, at)
    rows = (
        # Among distinct rows, a NULL without a type is taken for text.
        select(*columns, literal(None, Text()), cast(null(), Integer()))
        .where(got.c.state == DeliveryState.SENT, still_wanted(issue.newsletter, got.c.id, now))
        # Two records that were merged may both have got the issue.
        .distinct()
    )
    statement = upsert(connection, delivery).from_select(_NAMES, rows)
    statement = statement.on_conflict_do_nothing(index_elements=["issue_id", "subscriber_id"])
    count = connection.execute(statement).rowcount
    update_statistics(connection, "delivery")
    return count


def count_correction_audience(
    connection: Connection, first: Issue, now: datetime
) -> Counter[CorrectionStanding]:
    """Count the rows of an issue's ledger by what a correction that is sent now means for them.

    Rows of records that were merged count once.
    """
    got = _ledger_of(first.id)
    standing = _standing(got, first.newsletter, now).label("standing")
    joined = got.outerjoin(subscriber, subscriber.c.id == got.c.id)
    query = (
        select(standing, func.count(got.c.id.distinct()))
        .select_from(joined)
        .group_by(literal_column("standing"))
    )
    found = connection.execute(query)
    return Counter({CorrectionStanding(key): count for key, count in found})


def _ledger_of(first_id: int | None) -> Subquery:
    """Return the rows of an issue's ledger, each with the present number of its subscriber."""
    number = func.coalesce(subscriber_alias.c.subscriber_id, delivery.c.subscriber_id)
    return (
        select(number.label("id"), delivery.c.state)
        .select_from(
            delivery.outerjoin(
                subscriber_alias, subscriber_alias.c.former_id == delivery.c.subscriber_id
            )
        )
        .where(delivery.c.issue_id == first_id)
        .subquery()
    )


def _standing(got: Subquery, newsletter: str, now: datetime) -> ColumnElement[str]:
    """Return what somebody is to the correction; the first condition that is true decides."""
    conditions: list[tuple[ColumnElement[bool], CorrectionStanding]] = [
        (got.c.state == DeliveryState.IN_DOUBT, CorrectionStanding.IN_DOUBT),
        (got.c.state != DeliveryState.SENT, CorrectionStanding.NOT_SENT),
        (still_wanted(newsletter, got.c.id, now), CorrectionStanding.RECIPIENT),
        (subscriber.c.id.is_(None), CorrectionStanding.ERASED),
        (subscriber.c.status == SubscriberStatus.COMPLAINED, CorrectionStanding.COMPLAINED),
        (subscriber.c.status == SubscriberStatus.BOUNCED, CorrectionStanding.BOUNCED),
        (~is_subscribed(literal(newsletter), got.c.id), CorrectionStanding.LEFT),
        (is_paused(got.c.id, now), CorrectionStanding.PAUSED),
    ]
    pairs = [(condition, literal(standing.value)) for condition, standing in conditions]
    return case(*pairs, else_=literal(CorrectionStanding.OTHER_CADENCE.value))
