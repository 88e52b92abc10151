"""How a statement finds its rows: it is told of each, or of how they stand.

Rows come as one value, JSON, whatever their number: one statement for a portion of rows is one
compilation and one turn in SQLite, where one for each row would be hundreds. Knows no verb.
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

# The name of the parameter in which the rows come.
ROWS = "rows"
NONE = "[]"
# Literal, since SQLite plans before it binds.
FEW: ColumnElement[float] = literal_column("0.0001")
TYPES = {"state": Text, "reason": Text, "next_at": Text}


def row_values(*columns: str) -> Subquery:
    """Select what comes in the parameter `rows`, under these names and in this order."""
    values = func.json_each(bindparam(ROWS)).table_valued("value").alias("each_row")
    return select(
        *(
            func.json_extract(
                values.c.value, f"$[{number}]", type_=TYPES.get(name, Integer)
            ).label(name)
            for number, name in enumerate(columns)
        )
    ).subquery("told")


def same_epoch(rows: Subquery) -> ColumnElement[bool]:
    """Give the condition that a row is one of those told, and did not change hands since."""
    return (
        (delivery.c.issue_id == rows.c.issue_id)
        & (delivery.c.subscriber_id == rows.c.subscriber_id)
        & (delivery.c.epoch == rows.c.epoch)
    )


def in_states(*states: DeliveryState) -> ColumnElement[Any]:
    """Give the condition that a row stands so, for statements about the rows of an issue.

    SQLite takes an issue for ten rows, and would look at each of a million. Told that few of them
    stand so, it goes by the index of states.
    """
    return func.likelihood(delivery.c.state.in_(states), FEW)


def encode_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Write rows as the parameter takes them."""
    return json.dumps([list(row) for row in rows])


def encode_instant(instant: datetime | None) -> str | None:
    """Write an instant as the columns keep it."""
    return UTCDateTime().process_bind_param(instant, sqlite.dialect())
