"""Which articles are an archive, and when the first import of each source was finished."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

# Before every article: of sources that are there already, nothing becomes an archive.
_LONG_AGO = "1970-01-01T00:00:00Z"


def upgrade() -> None:
    """Add both columns."""
    op.add_column(
        "article", sa.Column("mailing", sa.Text(), nullable=False, server_default="news")
    )
    op.add_column("source", sa.Column("imported_at", sa.Text(), nullable=True))
    source = sa.table("source", sa.column("imported_at", sa.Text()))
    op.execute(source.update().values(imported_at=_LONG_AGO))
