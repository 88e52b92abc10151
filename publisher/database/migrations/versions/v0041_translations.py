"""Claims on translations, what translations were made from, and the old words of originals.

Of the translations that are there, nothing is known: they are not stale until an original changes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "translation_claim",
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name="fk_translation_claim_story_id_story"
        ),
        sa.PrimaryKeyConstraint("story_id", "language", name="pk_translation_claim"),
        sa.CheckConstraint(
            "state IN ('promised', 'in-work', 'given-up')", name="ck_translation_claim_state"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "translation_source",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("original_id", sa.Integer(), nullable=False),
        sa.Column("words_hash", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=True),
        sa.Column("original_changed_at", sa.Text(), nullable=True),
        sa.Column("dismissed_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_translation_source_article_id_article"
        ),
        sa.ForeignKeyConstraint(
            ["original_id"], ["article.id"], name="fk_translation_source_original_id_article"
        ),
        sa.PrimaryKeyConstraint("article_id", name="pk_translation_source"),
        sqlite_with_rowid=False,
    )
    is_changed = sa.text("original_changed_at IS NOT NULL")
    op.create_index(
        "ix_translation_source_changed",
        "translation_source",
        ["article_id"],
        sqlite_where=is_changed,
        postgresql_where=is_changed,
    )
    op.create_table(
        "former_words",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_former_words"),
        sqlite_with_rowid=False,
    )
