"""Issues that are held because their schedule has their day no more."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "issue",
        sa.Column("is_unscheduled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
