"""Former names of newsletters, so that links in older mails stay valid."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "newsletter_alias",
        sa.Column("former", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("former", name="pk_newsletter_alias"),
        sqlite_with_rowid=False,
    )
