"""Where a database comes from, and what a journal knows of mails that it has forgotten."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"

_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and the one row that says which database this is."""
    lineage = op.create_table(
        "lineage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("page", _LARGE, nullable=False),
        sa.Column("server", sa.Text(), nullable=False, server_default=""),
        sa.Column("copied_at", sa.Text(), nullable=True),
        sa.Column("quarantined_at", sa.Text(), nullable=True),
        sa.Column("quarantine_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_lineage"),
    )
    row = {"id": 1, "incarnation": secrets.token_hex(8), "page": 0}
    op.get_bind().execute(sa.insert(lineage).values(row))
    op.create_table(
        "recovered_delivery",
        sa.Column("issue", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lease_id", _LARGE, nullable=True),
        sa.PrimaryKeyConstraint("issue", "subscriber_id", name="pk_recovered_delivery"),
        sqlite_with_rowid=False,
    )
