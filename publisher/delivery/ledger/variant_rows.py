"""The rows of an issue's variants that are not rendered yet.

They are not due until it is rendered. If that fails for too long, they are given up.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    exists,
    func,
    literal,
    select,
    update,
)

from publisher.delivery.causes import (
    ARTICLES_WITHDRAWN,
    VARIANT_NOT_MADE,
    VARIANT_REJECTED,
    Cause,
)
from publisher.delivery.ledger.bulk import in_states
from publisher.delivery.ledger.left_out import owe_left_out
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from publisher.issues.tables import issue_variant_table
from publisher.issues.variants import IssueVariant
from publisher.messages import joined, message

# When a row is due whose mail can't be sent yet: never.
NOT_RENDERED = datetime(9999, 12, 31, tzinfo=UTC)

_COLUMNS = issue_variant_table.c["id", "issue_id", "length", "more"]


def waiting_variants(connection: Connection, issues: Collection[int]) -> list[IssueVariant]:
    """Return the variants of some issues that are not rendered, and for which rows wait."""
    query = select(*_COLUMNS).where(
        issue_variant_table.c.issue_id.in_(issues),
        issue_variant_table.c.sha256.is_(None),
        exists().where(_waits_for(issue_variant_table.c.id)),
    )
    rows = connection.execute(query.order_by(issue_variant_table.c.id))
    return [IssueVariant(*row) for row in rows]


def release_variant(connection: Connection, variant: IssueVariant) -> None:
    """Make the rows of a variant due that is rendered now."""
    rows = update(delivery).where(_waits_for(variant.id))
    connection.execute(rows.values(next_at=delivery.c.due_at))


def cancel_variant(
    connection: Connection, issue: Issue, variant: IssueVariant, cause: Cause, now: datetime
) -> None:
    """Cancel the rows of a variant that is not rendered, and never will be."""
    owe_left_out(connection, issue, _waits_for(variant.id), now)
    rows = update(delivery).where(_waits_for(variant.id))
    values = {"state": DeliveryState.CANCELLED, "reason_key": cause.key}
    connection.execute(rows.values(**values, changed_at=now))


def give_up_variant(
    connection: Connection,
    issue: Issue,
    variant: IssueVariant,
    why: tuple[Cause, str],
    now: datetime,
    give_up_after: timedelta,
) -> None:
    """Mark the rows of a variant as failed that were due so long ago, and still can't be sent.

    `why` is the cause and the details. A person may have them tried again (`retries`).
    """
    cause, words = why
    late = _waits_for(variant.id) & (delivery.c.due_at <= now - give_up_after)
    owe_left_out(connection, issue, late, now)
    values = {"state": DeliveryState.FAILED, "reason_key": cause.key, "reason": words}
    connection.execute(update(delivery).where(late).values(**values, changed_at=now))


def when_due(now: datetime) -> ColumnElement[datetime]:
    """Return when a row is due that is tried again: `now`, or once its variant is rendered."""
    is_rendered = delivery.c.variant_id.is_(None) | exists().where(
        issue_variant_table.c.id == delivery.c.variant_id,
        issue_variant_table.c.sha256.is_not(None),
    )
    at = delivery.c.next_at.type
    return case((is_rendered, literal(now, at)), else_=literal(NOT_RENDERED, at))


def explain_unmade(connection: Connection, issue: Issue) -> str | None:
    """Return how many mails of an issue could not be made, and why; the words are those of one."""
    causes = (VARIANT_REJECTED, VARIANT_NOT_MADE, ARTICLES_WITHDRAWN)
    states = in_states(DeliveryState.FAILED, DeliveryState.CANCELLED)
    failed = (delivery.c.issue_id == issue.id) & states
    query = (
        select(delivery.c.reason_key, func.count(), func.max(delivery.c.reason))
        .where(failed, delivery.c.reason_key.in_([cause.key for cause in causes]))
        .group_by(delivery.c.reason_key)
    )
    found = {key: (count, words) for key, count, words in connection.execute(query)}
    parts = [
        message(
            "%(count)s not sent: %(why)s",
            count=found[cause.key][0],
            why=cause.explain(found[cause.key][1] or ""),
        )
        for cause in causes
        if cause.key in found
    ]
    return joined(*parts) if parts else None


def _waits_for(variant_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    return (
        (delivery.c.variant_id == variant_id)
        & (delivery.c.state == DeliveryState.PENDING)
        & (delivery.c.next_at == NOT_RENDERED)
    )
