"""Sources that lost most of their articles, and wait for somebody to confirm it."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "held_source",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_held_source"),
        sa.ForeignKeyConstraint(
            ["source"],
            ["source.name"],
            name="fk_held_source_source_source",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
