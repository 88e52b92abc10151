"""Feeds of translators have the token of their account, as its calendar; they end with it."""

from alembic import op

revision = "0058"
down_revision = "0057"


def upgrade() -> None:
    """Remove the number that the feeds had of their own."""
    op.drop_column("translator", "feed_number")
