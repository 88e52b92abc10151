"""What senders remember together of how fast they were. Knows no setting.

Instants are seconds since the epoch. A scope's name is `smtp`, or `smtp/gmail.com`.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, Float, Integer, Table, Text

from publisher.database.metadata import metadata

rate_bucket = Table(
    "rate_bucket",
    metadata,
    # The scope's name and the kind of bound: `smtp/gmail.com/second`.
    Column("name", Text, primary_key=True),
    # When it will be full again (`publisher.delivery.rates.gcra`).
    Column("tat", Float, nullable=False),
    sqlite_with_rowid=False,
)

rate_slowing = Table(
    "rate_slowing",
    metadata,
    Column("name", Text, primary_key=True),
    # Messages a second, as it was then, and where it is over.
    Column("pace", Float, nullable=False),
    Column("since", Float, nullable=False),
    Column("aim", Float, nullable=False),
    sqlite_with_rowid=False,
)

# How many messages were let go on each day (UTC) of a warm-up.
warmup_day = Table(
    "warmup_day",
    metadata,
    Column("transport", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)
