"""The journal's line about the last page of a lease, for who takes over from a killed process."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    """Add the column."""
    op.add_column("send_lease", sa.Column("page_line", sa.Text(), nullable=True))
