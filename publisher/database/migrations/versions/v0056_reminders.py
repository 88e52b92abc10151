"""How many mails have reminded of an issue that waits for approval."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "issue", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0")
    )
