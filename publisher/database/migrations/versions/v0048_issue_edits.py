"""What an issue had before editors changed it, and the articles of its old revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    """Add the columns: nothing was changed before."""
    op.add_column("issue", sa.Column("selected", sa.JSON(), nullable=True))
    op.add_column(
        "digest_revision",
        sa.Column("articles", sa.JSON(), server_default="[]", nullable=False),
    )
