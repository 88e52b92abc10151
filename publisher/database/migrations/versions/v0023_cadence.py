"""Audiences by cadence: when it was changed, and an index of subscriptions by cadence."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add the column and replace the index."""
    op.add_column("subscription", sa.Column("cadence_at", sa.Text(), nullable=True))
    op.drop_index("ix_subscription_newsletter_status_subscriber_id", "subscription")
    op.create_index(
        "ix_subscription_newsletter_status_cadence_subscriber_id",
        "subscription",
        ["newsletter", "status", "cadence", "subscriber_id", "cadence_at"],
    )
