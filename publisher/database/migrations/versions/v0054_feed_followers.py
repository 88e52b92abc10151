"""How many read each feed on a day."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "feed_follower_day",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("stated", sa.Integer(), nullable=False),
        sa.Column("clients", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("feed", "day", name="pk_feed_follower_day"),
        sqlite_with_rowid=False,
    )
