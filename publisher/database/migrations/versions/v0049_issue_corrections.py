"""Corrections of issues that were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("first_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("subject", "markdown", "html", "actor", "created_at")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["issue.id"],
            name="fk_correction_first_id_issue",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_correction_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("issue_id", name="uq_correction_issue_id"),
    )
    op.create_index("ix_correction_first_id", "correction", ["first_id"])
