"""The table of bounce events. No address is in it; it is erased with its subscriber."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from publisher.database.metadata import UTCDateTime, metadata

bounce_event = Table(
    "bounce_event",
    metadata,
    Column("id", Integer, primary_key=True),
    # Where it came from: a mailbox, or a provider's webhook.
    Column("source", Text, nullable=False),
    # The provider's id, or the hash of the mail: the same event comes in once.
    Column("source_id", Text, nullable=False),
    # NULL if nobody was found. No foreign key: subscribers' tables belong to another package.
    Column("subscriber_id", Integer),
    Column("issue_id", ForeignKey("issue.id", ondelete="SET NULL")),
    # A `bounces.model.Evidence`: how the subscriber was found.
    Column("evidence", Text),
    # A `bounces.model.BounceKind`.
    Column("kind", Text, nullable=False),
    # A key of `publisher.delivery.causes`.
    Column("cause", Text),
    # The enhanced status code (RFC 3463).
    Column("status", Text, nullable=False, server_default=""),
    # The server's words in short, without addresses.
    Column("diagnostic", Text, nullable=False, server_default=""),
    Column("at", UTCDateTime, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    UniqueConstraint("source", "source_id"),
)
Index("ix_bounce_event_subscriber_id", bounce_event.c.subscriber_id)
Index("ix_bounce_event_received_at_kind", bounce_event.c.received_at, bounce_event.c.kind)
Index("ix_bounce_event_issue_id_kind", bounce_event.c.issue_id, bounce_event.c.kind)
