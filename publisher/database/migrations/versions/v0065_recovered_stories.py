"""The stories of issues that were sent before the database was restored."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "recovered_story",
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("story_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("issue", "story_key", name="pk_recovered_story"),
        sqlite_with_rowid=False,
    )
