"""Titles of documents that are left out, and generations of the private feeds of accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    """Add the columns. Titles are known of documents that are read from now on."""
    op.add_column("source_item", sa.Column("title", sa.Text(), nullable=True))
    op.add_column("source_item", sa.Column("language", sa.Text(), nullable=True))
    op.add_column(
        "account",
        sa.Column("feed_generation", sa.Integer(), server_default="0", nullable=False),
    )
