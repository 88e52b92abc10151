"""What the gate warned of, kept with each frozen digest."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the warnings; older digests were not looked at and have none."""
    findings = sa.Column("findings", sa.JSON(), nullable=False, server_default="[]")
    op.add_column("digest", findings)
