"""What subscribers choose, and the generation of their links.

Subscribers of before keep the defaults; their links stay valid.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the table and the columns."""
    op.add_column(
        "subscriber", sa.Column("generation", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("subscription", sa.Column("cadence", sa.Text(), nullable=True))
    op.create_table(
        "preference",
        sa.Column("subscriber_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("more_languages", sa.JSON(), nullable=False),
        sa.Column("length", sa.Text(), nullable=True),
        sa.Column("machine_translations", sa.Boolean(), nullable=False),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("authors", sa.JSON(), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("paused_at", sa.Text(), nullable=True),
        sa.Column("paused_until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_preference_subscriber_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", name="pk_preference"),
    )
