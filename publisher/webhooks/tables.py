"""Tables: webhooks, and what is to be sent to them."""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
)

from publisher.database.dialect.sql import IDS_NEVER_REUSED, partial_index
from publisher.database.metadata import UTCDateTime, metadata

webhook_table = Table(
    "webhook",
    metadata,
    Column("id", Integer, primary_key=True),
    # May have a secret of the receiver's: it is shown to those who manage webhooks, and not logged.
    Column("url", Text, nullable=False),
    # The secret that signs, sealed with the publication's secret; and the one before it, until when.
    Column("sealed_secret", Text, nullable=False),
    Column("former_sealed_secret", Text),
    Column("former_secret_until", UTCDateTime),
    # A list of types of events; empty for all.
    Column("events", JSON, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("disabled_at", UTCDateTime),
    Column("disabled_reason", Text),
    # Deliveries that were given up since the last one that was accepted.
    Column("failures", Integer, nullable=False),
    # The last change of consent (`subscriber_event`) of which events were made.
    Column("last_subscriber_event", Integer, nullable=False),
    info=IDS_NEVER_REUSED,
)

webhook_delivery_table = Table(
    "webhook_delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "webhook_id", ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    # The same for all webhooks that get an event, and at each attempt.
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSON, nullable=False),
    # NULL until the service has seen the row: not all who queue events have a clock.
    Column("occurred_at", UTCDateTime),
    Column("due_at", UTCDateTime),
    Column("attempts", Integer, nullable=False),
    Column("state", Text, nullable=False),
    # What was answered last, or why there was no answer.
    Column("last_answer", Text),
    Column("finished_at", UTCDateTime, index=True),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
    info=IDS_NEVER_REUSED,
)
Index(
    "ix_webhook_delivery_pending",
    webhook_delivery_table.c.webhook_id,
    webhook_delivery_table.c.due_at,
    **partial_index(webhook_delivery_table.c.state == "pending"),
)
