"""When the service last made a backup, and why it failed."""

import sqlalchemy as sa
from alembic import op

from publisher.database.metadata import UTCDateTime

revision = "0064"
down_revision = "0063"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "backup_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tried_at", UTCDateTime(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.CheckConstraint("id = 1", name="ck_backup_state_only_row"),
        sa.PrimaryKeyConstraint("id", name="pk_backup_state"),
    )
