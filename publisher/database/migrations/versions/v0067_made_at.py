"""When the database was made: what was due before may have been sent from another one."""

import sqlalchemy as sa
from alembic import op

from publisher.clock import SystemClock
from publisher.database.metadata import UTCDateTime

revision = "0067"
down_revision = "0066"


def upgrade() -> None:
    """Add the column. It stays empty in a database with which a cycle was run."""
    op.add_column("lineage", sa.Column("made_at", UTCDateTime(), nullable=True))
    lineage = sa.table("lineage", sa.column("made_at", UTCDateTime()))
    is_new = ~sa.exists(sa.select(sa.literal(1)).select_from(sa.table("edition")))
    now = SystemClock().now()
    op.get_bind().execute(sa.update(lineage).where(is_new).values(made_at=now))
