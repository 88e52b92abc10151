"""What went wrong in the last run of each turn."""

import sqlalchemy as sa
from alembic import op

from publisher.database.metadata import UTCDateTime

revision = "0068"
down_revision = "0067"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "turn_problem",
        sa.Column("turn", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("turn", "number", name="pk_turn_problem"),
    )
