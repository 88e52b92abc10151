"""The index of the ledger has the whole order of claims, and a lease has its host."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the index anew, and add the column."""
    op.drop_index("ix_delivery_state", "delivery")
    op.create_index(
        "ix_delivery_state",
        "delivery",
        ["issue_id", "state", "next_at", "subscriber_id"],
        postgresql_where=sa.text("state IN ('pending', 'deferred')"),
    )
    op.add_column("send_lease", sa.Column("host", sa.Text(), server_default="", nullable=False))
