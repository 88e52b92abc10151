"""Statements about many rows at once: the rows are one JSON parameter.

One statement for a batch of rows is compiled and run once, where one per row would be hundreds.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.database.dialect.sql import json_scalar, json_table, unlikely
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.delivery.tables import delivery

# The name of the parameter that holds the rows, as `json_rows` writes them.
ROWS = "rows"
_TYPES = dict.fromkeys(("state", "reason_key", "reason", "next_at", "timezone"), sa.Text)


def row_values(*columns: str) -> sa.Subquery:
    """Return the rows of the parameter `rows` as a subquery with these columns, in this order."""
    rows = json_table(sa.bindparam(ROWS, type_=sa.Text())).alias("each_row")
    return sa.select(
        *(
            json_scalar(rows.c.value, _TYPES.get(name, sa.Integer)(), place).label(name)
            for place, name in enumerate(columns)
        )
    ).subquery("given")


def same_epoch(rows: sa.Subquery) -> sa.ColumnElement[bool]:
    """Return the condition that a row is one of these and has not changed hands since."""
    return (
        (delivery.c.issue_id == rows.c.issue_id)
        & (delivery.c.subscriber_id == rows.c.subscriber_id)
        & (delivery.c.epoch == rows.c.epoch)
    )


def in_states(*states: DeliveryState) -> sa.ColumnElement[Any]:
    """Return the condition that a row is in one of these states, of which there are few.

    Without the hint a million rows of an issue may be scanned instead of the index of states.
    """
    # Literals instead of parameters: otherwise a server may not use an index of some states.
    literals = sa.bindparam(
        "states", [*states], sa.Text(), unique=True, expanding=True, literal_execute=True
    )
    return unlikely(delivery.c.state.in_(literals))


def held_in(*states: DeliveryState) -> sa.ColumnElement[Any]:
    """Return the condition that a lease holds a row, in one of these states: `claimed`, `attempting`.

    A server has an index of rows that are held, which is used only if it is said that they have a lease.
    """
    return in_states(*states) & delivery.c.lease_id.is_not(None)


def first_free(
    issue_id: int | sa.ColumnElement[int], state: DeliveryState
) -> sa.Select[tuple[datetime]]:
    """Return a query for when the first row in a state, `pending` or `deferred`, is due.

    In the order of the index. Without an order a server reads an issue's rows until it finds one, and
    finds none among a million that are sent. It would drop the order from an EXISTS.
    """
    literal_state = sa.literal(state, sa.Text(), literal_execute=True)
    return (
        sa.select(delivery.c.next_at)
        .where(delivery.c.issue_id == issue_id, delivery.c.state == literal_state)
        .order_by(delivery.c.next_at)
        .limit(1)
    )


def has_free(issue_id: int | sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return the condition that rows of an issue are held by nobody and wait to be sent."""
    queries = (first_free(issue_id, one) for one in CLAIMABLE_STATES)
    return sa.or_(*(one.scalar_subquery().is_not(None) for one in queries))
