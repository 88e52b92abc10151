"""A hash of what entries of feeds show of their translations; empty until it is known."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    """Add the column; an entry gets its value when its article is next examined."""
    op.add_column("feed_entry", sa.Column("link_hash", sa.Text(), nullable=True))
