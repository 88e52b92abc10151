"""Approvals that do not count any more because the number of recipients moved far."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    """Add the column."""
    op.add_column("issue_approval", sa.Column("lapsed", sa.Text(), nullable=True))
