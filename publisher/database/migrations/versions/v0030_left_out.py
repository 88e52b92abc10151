"""What of a source is rightly no article, and items that change their meaning at some time."""

import sqlalchemy as sa
from alembic import op

from publisher.database.metadata import UTCDateTime

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    """Add the columns; what is left out is counted at the next cycle."""
    op.add_column("source", sa.Column("left_out", sa.Text(), nullable=False, server_default=""))
    op.add_column("source_item", sa.Column("left_out", sa.Text(), nullable=True))
    op.add_column("source_item", sa.Column("read_again_at", UTCDateTime(), nullable=True))
