"""Audiences by cadence: the index of subscriptions has the cadence, too."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Replace the index."""
    op.drop_index("ix_subscription_newsletter_status_subscriber_id", "subscription")
    op.create_index(
        "ix_subscription_newsletter_status_cadence_subscriber_id",
        "subscription",
        ["newsletter", "status", "cadence", "subscriber_id"],
    )
