"""The ledger: one row per issue and subscriber. It is the truth of who was sent what.

Beside it stand who is sending at present, and the counts of issues that are over. Knows neither
addresses nor messages.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text

from publisher.database.metadata import UTCDateTime, metadata
from publisher.delivery.states import DeliveryState

STATES = ", ".join(f"'{state}'" for state in DeliveryState)

delivery = Table(
    "delivery",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), primary_key=True),
    # No foreign key: a reader who asks to be erased leaves the counts of the past standing.
    Column("subscriber_id", Integer, primary_key=True),
    Column(
        "state", Text, CheckConstraint(f"state IN ({STATES})", name="state"), nullable=False
    ),
    # When this reader's message was due; its Date field, whenever it leaves.
    Column("due_at", UTCDateTime, nullable=False),
    # Not before this is it tried, or tried again.
    Column("next_at", UTCDateTime, nullable=False),
    # Grows whenever the row changes hands; a holder who does not know it can't send.
    Column("epoch", Integer, nullable=False, server_default="0"),
    # Who holds the row, if anybody, or has sent it; the lease is the sender's.
    Column("sender", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # When it was first tried; from then on patience runs out.
    Column("tried_at", UTCDateTime),
    Column("reason", Text),
    Column("changed_at", UTCDateTime, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_delivery_state", delivery.c.issue_id, delivery.c.state, delivery.c.next_at)

sender = Table(
    "sender",
    metadata,
    # Never used again: a row of the ledger must not fall to a namesake.
    Column("id", Integer, primary_key=True),
    # Seconds since the epoch; a sender that has not renewed it by then has lost what it holds.
    Column("lease_until", Float, nullable=False),
    Column("transport", Text, nullable=False),
    Column("guarantee", Text, nullable=False),
    # The file that it keeps locked while it lives.
    Column("lock", Text, nullable=False),
    sqlite_autoincrement=True,
)

# Of issues that are over, so that looking at the past does not mean counting it.
delivery_count = Table(
    "delivery_count",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("state", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)
