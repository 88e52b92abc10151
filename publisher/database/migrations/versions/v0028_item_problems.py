"""The problems of items: what was lost of a document, or looks wrong in it.

Items in quarantine get theirs when they are read again; a change of the parsers' version, in the
program that brings this migration, has all of them read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "item_problem",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "key")),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("what", "action")),
        sa.ForeignKeyConstraint(
            ["source", "key"],
            ["source_item.source", "source_item.key"],
            name="fk_item_problem_source_source_item",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "key", "position", name="pk_item_problem"),
        sqlite_with_rowid=False,
    )
