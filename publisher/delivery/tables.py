"""The ledger: one row per issue and subscriber. It is the truth of who was sent what.

Knows neither addresses nor messages.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from publisher.database.metadata import UTCDateTime, metadata


class DeliveryState(StrEnum):
    """Where one delivery stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    ATTEMPTING = "attempting"
    SENT = "sent"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


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
    Column("due_at", UTCDateTime, nullable=False),
    # Grows whenever the row changes hands; a holder who does not know it can't send.
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("lease_until", UTCDateTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("changed_at", UTCDateTime, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_delivery_state", delivery.c.issue_id, delivery.c.state, delivery.c.due_at)
