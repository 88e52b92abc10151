"""The address of the page that an article names as the first of several copies."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Add the column; documents that state it have it once they are read again."""
    op.add_column("article", sa.Column("canonical_url", sa.Text(), nullable=True))
