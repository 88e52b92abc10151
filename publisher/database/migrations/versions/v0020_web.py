"""Rate limits of web requests."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "rate_limit",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("tat", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_limit"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rate_limit_tat", "rate_limit", ["tat"])
