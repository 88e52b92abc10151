"""The tables of the rates, which all processes share.

Instants are seconds since the epoch. A scope's name is `smtp`, or `smtp/gmail.com`.
"""

from sqlalchemy import Column, Date, Float, Integer, Table, Text

from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import metadata

rate_bucket = Table(
    "rate_bucket",
    metadata,
    # The scope's name and the kind of limit: `smtp/gmail.com/second`.
    Column("name", Text, primary_key=True),
    # When it will be full again (`publisher.request_limits`).
    Column("tat", Float, nullable=False),
    info=KEYED,
)

rate_throttle = Table(
    "rate_throttle",
    metadata,
    Column("name", Text, primary_key=True),
    # Messages a second at the instant `since`, and at the end of the throttle.
    Column("per_second", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("target", Float, nullable=False),
    info=KEYED,
)

# Messages sent on each day (UTC) of a warm-up.
warmup_day = Table(
    "warmup_day",
    metadata,
    Column("transport", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    info=KEYED,
)
