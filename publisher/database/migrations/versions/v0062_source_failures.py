"""Since when a source can't be read, and why; since when one is held."""

import sqlalchemy as sa
from alembic import op

from publisher.database.metadata import UTCDateTime

revision = "0062"
down_revision = "0061"


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "source_failure",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_failure"),
        sqlite_with_rowid=False,
    )
    op.add_column("held_source", sa.Column("since", UTCDateTime(), nullable=True))
