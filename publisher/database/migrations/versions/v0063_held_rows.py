"""The rows that a lease holds are found without a look at all rows of their issue."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"


def upgrade() -> None:
    """Add the index on a server; in a file `ix_delivery_state` has all states.

    Senders wait meanwhile, as for every migration: it reads the ledger once.
    """
    if op.get_bind().dialect.name != "sqlite":
        op.create_index(
            "ix_delivery_held",
            "delivery",
            ["issue_id", "lease_id"],
            postgresql_where=sa.text(
                "state IN ('claimed', 'attempting') AND lease_id IS NOT NULL"
            ),
        )
