"""The ledger: one row per issue and subscriber, the only record of who was sent what; leases, counts, and where the database is from."""

import sqlalchemy as sa

from publisher.database.dialect import sql
from publisher.database.metadata import UTCDateTime, metadata
from publisher.delivery.states import CLAIMABLE_STATES, HELD_STATES, DeliveryState

_STATES = ", ".join(f"'{state}'" for state in DeliveryState)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("issue_id", sa.ForeignKey("issue.id"), primary_key=True),
    # No foreign key: counts of the past stay when a subscriber is erased.
    sa.Column("subscriber_id", sa.Integer, primary_key=True),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        nullable=False,
    ),
    # When the message was due. It is the message's Date field, whenever it is sent.
    sa.Column("due_at", UTCDateTime, nullable=False),
    sa.Column("next_at", UTCDateTime, nullable=False),  # it is not tried before this
    # Grows whenever the row changes hands. Only a holder of the present epoch can move the row.
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    # The lease that holds the row, or under which it was sent.
    sa.Column("lease_id", sql.LargeInteger),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tried_at", UTCDateTime),  # the first attempt, from which `give_up_after` counts
    # A key of `publisher.delivery.causes`, and the words that go with it.
    sa.Column("reason_key", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("changed_at", UTCDateTime, nullable=False),
    # The variant of the issue that the subscriber gets; NULL for the issue's own digest.
    sa.Column("variant_id", sa.Integer),
    info=sql.KEYED | sql.CLEANED_EARLY,
)
sa.Index(
    "ix_delivery_variant_id",
    delivery.c.variant_id,
    **sql.partial_index(delivery.c.variant_id.is_not(None)),
)
# In the order in which rows are claimed, so that none are sorted. Rows of a variant follow each other:
# it is compiled once. A server has it only for rows that
# may be claimed: it would also find all versions of rows that have left a state since it was cleaned.
sa.Index(
    "ix_delivery_state",
    delivery.c.issue_id,
    delivery.c.state,
    delivery.c.next_at,
    delivery.c.variant_id,
    delivery.c.subscriber_id,
    **sql.partial_index_on_server(delivery.c.state.in_([*CLAIMABLE_STATES])),
)
# The rows that leases hold, for a server; in a file the index above has them. No statement that moves a row
# by its key says that it has a lease, so none is planned by this index, which also has dead rows.
sql.on_server_only(
    sa.Index(
        "ix_delivery_held",
        delivery.c.issue_id,
        delivery.c.lease_id,
        **sql.partial_index_on_server(
            delivery.c.state.in_([*HELD_STATES]) & delivery.c.lease_id.is_not(None)
        ),
    )
)

send_lease = sa.Table(
    "send_lease",
    metadata,
    # Never used again: rows of the ledger keep the id. Random on a server (`id_of_its_own`).
    sa.Column("id", sql.LargeInteger, primary_key=True),
    # Seconds since the epoch. A lease that is not renewed by then can be revoked.
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("transport", sa.Text, nullable=False),
    sa.Column("guarantee", sa.Text, nullable=False),
    # The file that its process keeps locked while it lives.
    sa.Column("lock_file", sa.Text, nullable=False),
    # The machine, its start and the folder where that file counts; empty if it was not recorded.
    sa.Column("host", sa.Text, nullable=False, server_default=""),
    # The journal's line about its last page: who takes over appends it, if the process was killed before it did.
    sa.Column("page_line", sa.Text),
    info=sql.IDS_NEVER_REUSED,
)

# The counts of finished issues, so that reports do not count their rows again.
delivery_count = sa.Table(
    "delivery_count",
    metadata,
    sa.Column("issue_id", sa.ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    info=sql.KEYED,
)

# What stays of a ledger whose rows were deleted (`ledger.reports`): counts, which add up to the rows.
delivery_outcome = sa.Table(
    "delivery_outcome",
    metadata,
    sa.Column("issue_id", sa.ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    # The receiving domain; empty for subscribers who were erased, `other` for those of few subscribers.
    sa.Column("domain", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, primary_key=True),
    sa.Column("reason_key", sa.Text, primary_key=True),  # empty if there is none
    sa.Column("count", sa.Integer, nullable=False),
    info=sql.KEYED,
)

# One row, with the id 1: whether this is the database that was written last, or an old copy of it
# (`publisher.delivery.lineage`).
lineage_table = sa.Table(
    "lineage",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # A random name, made with the database. Copies have the same.
    sa.Column("incarnation", sa.Text, nullable=False),
    # Grows with each transaction of a sender.
    sa.Column("page", sql.LargeInteger, nullable=False),
    # Which server and which of its databases this is; empty for a file, or if it is not known yet.
    sa.Column("server", sa.Text, nullable=False, server_default=""),
    # Set in copies that `publisher backup` makes, and only there.
    sa.Column("copied_at", UTCDateTime),
    # While these are set, nothing is planned or sent.
    sa.Column("quarantined_at", UTCDateTime),
    sa.Column("quarantine_reason", sa.Text),
    # By the machine's clock; NULL in a restored dump of a server.
    sa.Column("made_at", UTCDateTime),
)

# What a journal knew of deliveries when the database was recovered, by the name of the issue: it
# may not be planned again yet. It counts at once for a ledger that is open, and for others when they are opened.
recovered_delivery = sa.Table(
    "recovered_delivery",
    metadata,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("subscriber_id", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("lease_id", sql.LargeInteger),
    info=sql.KEYED,
)
