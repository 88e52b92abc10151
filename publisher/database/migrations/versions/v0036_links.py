"""Links to other documents, and the addresses at which articles stood on their own site.

A change of the parsers' version, in the program that brings this migration, has all documents read.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Create the tables, and the column for texts with links that are not resolved."""
    op.add_column("article", sa.Column("linked_html", sa.Text(), nullable=True))
    op.create_table(
        "article_link",
        sa.Column("article_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("target", "written")),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("site_url", sa.Text(), nullable=False),
        sa.Column("means", sa.Integer(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("href", "language")),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_article_link_article_id_article"
        ),
        sa.PrimaryKeyConstraint("article_id", "target", name="pk_article_link"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "article_address",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("leads_to", "written")),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_article_address_article_id_article"
        ),
        sa.PrimaryKeyConstraint("article_id", "path", name="pk_article_address"),
        sqlite_with_rowid=False,
    )
