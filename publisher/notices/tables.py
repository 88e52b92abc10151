"""The ledger of notices: one row per mail about a subscription.

Rows end with their subscriber, so nothing remains of somebody who is erased.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from publisher.database.dialect.sql import IDS_NEVER_REUSED, LargeInteger, vacuum_early
from publisher.database.metadata import UTCDateTime, metadata
from publisher.delivery.states import DeliveryState
from publisher.notices.kinds import NoticeKind
from subscribers.tables import subscriber

_STATES = ", ".join(f"'{state}'" for state in DeliveryState)
_KINDS = ", ".join(f"'{kind}'" for kind in NoticeKind)

notice = Table(
    "notice",
    metadata,
    # Never used again: the Message-ID is made from it.
    Column("id", Integer, primary_key=True),
    Column("kind", Text, CheckConstraint(f"kind IN ({_KINDS})", name="kind"), nullable=False),
    Column("subscriber_id", ForeignKey(subscriber.c.id, ondelete="CASCADE"), nullable=False),
    # NULL for the subscriber's address and language at the time of sending.
    Column("to_address", Text),
    Column("language", Text),
    # A `kinds.NoticeContent`.
    Column("content", JSON, nullable=False),
    # Of these states, `claimed` is not used.
    Column(
        "state", Text, CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False
    ),
    # The Date field of the message, whenever it is sent.
    Column("due_at", UTCDateTime, nullable=False),
    Column("next_at", UTCDateTime, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The first attempt.
    Column("tried_at", UTCDateTime),
    # Whether it was sent again after a doubt. It is done once.
    Column("was_resent", Boolean(create_constraint=False), nullable=False),
    Column("epoch", Integer, nullable=False, server_default="0"),
    # The lease under which it is or was being sent.
    Column("lease_id", LargeInteger),
    # As in `delivery`.
    Column("reason_key", Text),
    Column("reason", Text),
    Column("changed_at", UTCDateTime, nullable=False),
    info=IDS_NEVER_REUSED,
)
vacuum_early(notice)
Index("ix_notice_state_next_at", notice.c.state, notice.c.next_at)
Index("ix_notice_subscriber_id", notice.c.subscriber_id)
Index("ix_notice_kind_changed_at", notice.c.kind, notice.c.changed_at)
