"""Whether a bucket of S3-compatible storage has what the web root has."""

import sqlalchemy as sa
from alembic import op

from publisher.database.metadata import UTCDateTime

revision = "0060"
down_revision = "0059"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "bucket_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("complete_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_bucket_state"),
        sqlite_with_rowid=False,
    )
