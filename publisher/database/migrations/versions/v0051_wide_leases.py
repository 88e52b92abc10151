"""Ids of leases on a server are random, and need 63 bits."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"

_COLUMNS = (("send_lease", "id"), ("delivery", "lease_id"), ("notice", "lease_id"))


def upgrade() -> None:
    """Widen the columns; a file stores numbers of any size."""
    if op.get_bind().dialect.name != "sqlite":
        for table, column in _COLUMNS:
            op.alter_column(table, column, type_=sa.BigInteger())
