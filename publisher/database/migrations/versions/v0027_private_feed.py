"""The generation of a subscriber's own feed: raised when she asks for another address of it."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Add the column. The feeds of subscribers of before have generation 0."""
    op.add_column(
        "subscriber",
        sa.Column("feed_generation", sa.Integer(), server_default="0", nullable=False),
    )
