"""Pages of sites that are no articles, files that articles link to, and what is wrong with a link.

A change of the parsers' version, in the program that brings this migration, has all documents read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Create the tables, and the columns for the problem of a link."""
    op.add_column("article_link", sa.Column("left_out", sa.Text(), nullable=True))
    op.add_column("article_link", sa.Column("problem", sa.Text(), nullable=True))
    op.create_table(
        "article_file",
        sa.Column("article_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("path", "target")),
        sa.Column("place", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_article_file_article_id_article"
        ),
        sa.PrimaryKeyConstraint("article_id", "path", name="pk_article_file"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "placed_file",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("path", "target")),
        sa.PrimaryKeyConstraint("path", name="pk_placed_file"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "site_page",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "path")),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"],
            ["source.name"],
            name="fk_site_page_source_source",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "path", name="pk_site_page"),
        sqlite_with_rowid=False,
    )
