"""The rows of an issue's variants that are not rendered yet: they are not due until they are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, exists, select, update

from publisher.delivery.causes import Cause
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.tables import issue_variant_table
from publisher.issues.variants import IssueVariant

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
    connection: Connection, variant: IssueVariant, cause: Cause, now: datetime
) -> None:
    """Cancel the rows of a variant that is not rendered, and never will be."""
    rows = update(delivery).where(_waits_for(variant.id))
    values = {"state": DeliveryState.CANCELLED, "reason_key": cause.key}
    connection.execute(rows.values(**values, changed_at=now))


def _waits_for(variant_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    return (
        (delivery.c.variant_id == variant_id)
        & (delivery.c.state == DeliveryState.PENDING)
        & (delivery.c.next_at == NOT_RENDERED)
    )
