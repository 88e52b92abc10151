"""Times in which subscribers may have missed articles, and an index of the ledger by variant."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    """Create the table, and make the index anew: rows of a variant are claimed one after another."""
    op.create_table(
        "interruption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_interruption"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_interruption_subscriber_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_interruption_subscriber_id", "interruption", ["subscriber_id"])
    op.drop_index("ix_delivery_state", "delivery")
    op.create_index(
        "ix_delivery_state",
        "delivery",
        ["issue_id", "state", "next_at", "variant_id", "subscriber_id"],
        postgresql_where=sa.text("state IN ('pending', 'deferred')"),
    )
