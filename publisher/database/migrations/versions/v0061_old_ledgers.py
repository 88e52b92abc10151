"""Counts that stay of a ledger whose rows are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "delivery_outcome",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_key", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_delivery_outcome_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "issue_id", "domain", "state", "reason_key", name="pk_delivery_outcome"
        ),
        sqlite_with_rowid=False,
    )
