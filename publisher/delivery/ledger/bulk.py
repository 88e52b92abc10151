"""Statements about many rows at once: the rows are one JSON parameter.

One statement for a batch of rows is compiled and run once, where one per row would be hundreds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Subquery,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import sqlite

from publisher.database.metadata import UTCDateTime
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery

# The name of the parameter that holds the rows.
ROWS = "rows"
NO_ROWS = "[]"
# A literal, because SQLite plans a statement before its parameters are bound.
_FEW: ColumnElement[float] = literal_column("0.0001")
_TYPES = {"state": Text, "reason": Text, "next_at": Text}


def row_values(*columns: str) -> Subquery:
    """Return the rows of the parameter `rows` as a subquery with these columns, in this order."""
    values = func.json_each(bindparam(ROWS)).table_valued("value").alias("each_row")
    return select(
        *(
            func.json_extract(
                values.c.value, f"$[{number}]", type_=_TYPES.get(name, Integer)
            ).label(name)
            for number, name in enumerate(columns)
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

    SQLite estimates ten rows per issue and would scan a million. The hint makes it use the index
    of states.
    """
    return func.likelihood(delivery.c.state.in_(states), _FEW)


def encode_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as a value of the parameter `rows`."""
    return json.dumps([list(row) for row in rows])


def encode_instant(instant: datetime | None) -> str | None:
    """Return an instant as the columns store it."""
    return UTCDateTime().process_bind_param(instant, sqlite.dialect())
