"""Statements about many rows at once: the rows are one JSON parameter.

One statement for a batch of rows is compiled and run once, where one per row would be hundreds.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Subquery,
    Text,
    bindparam,
    select,
)

from publisher.database.dialect.sql import json_scalar, json_table, unlikely
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery

# The name of the parameter that holds the rows, as `json_rows` writes them.
ROWS = "rows"
_TYPES = dict.fromkeys(("state", "reason_key", "reason", "next_at", "timezone"), Text)


def row_values(*columns: str) -> Subquery:
    """Return the rows of the parameter `rows` as a subquery with these columns, in this order."""
    rows = json_table(bindparam(ROWS, type_=Text())).alias("each_row")
    return select(
        *(
            json_scalar(rows.c.value, _TYPES.get(name, Integer)(), place).label(name)
            for place, name in enumerate(columns)
        )
    ).subquery("given")


def same_epoch(rows: Subquery) -> ColumnElement[bool]:
    """Return the condition that a row is one of these and has not changed hands since."""
    return (
        (delivery.c.issue_id == rows.c.issue_id)
        & (delivery.c.subscriber_id == rows.c.subscriber_id)
        & (delivery.c.epoch == rows.c.epoch)
    )


def in_states(*states: DeliveryState) -> ColumnElement[Any]:
    """Return the condition that a row is in one of these states, of which there are few.

    Without the hint a million rows of an issue may be scanned instead of the index of states.
    """
    return unlikely(delivery.c.state.in_(states))
