"""Variants of an issue: what some of its audience get instead of its own digest.

Issues of before have none, and their deliveries are of the digest. What subscribers chose before has
no profile until they choose again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns, the tables and the index."""
    op.add_column("preference", sa.Column("profile", sa.Text(), nullable=True))
    op.add_column("issue", sa.Column("available_since", sa.Text(), nullable=True))
    op.add_column(
        "issue",
        sa.Column("for_profiles_only", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    _add_variants()
    op.add_column("delivery", sa.Column("variant_id", sa.Integer(), nullable=True))
    given = sa.text("variant_id IS NOT NULL")
    op.create_index(
        "ix_delivery_variant_id",
        "delivery",
        ["variant_id"],
        sqlite_where=given,
        postgresql_where=given,
    )


def _add_variants() -> None:
    op.create_table(
        "issue_variant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("length", sa.Text(), nullable=True),
        sa.Column("more", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=True)
            for name in ("subject", "preheader", "html", "text", "sha256")
        ),
        sa.Column("findings", sa.JSON(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_issue_variant_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_issue_variant"),
        sa.UniqueConstraint("issue_id", "key", name="uq_issue_variant_issue_id_key"),
    )
    op.create_table(
        "issue_variant_article",
        sa.Column("variant_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_issue_variant_article_article_id_article"
        ),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name="fk_issue_variant_article_story_id_story"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"],
            ["issue_variant.id"],
            name="fk_issue_variant_article_variant_id_issue_variant",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("variant_id", "position", name="pk_issue_variant_article"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_issue_variant_article_story_id", "issue_variant_article", ["story_id"])
