"""Feeds that remember: identities, places, archives and pings; attachments of articles."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what feeds and attachments need."""
    _articles()
    _feeds()
    _places()


def _articles() -> None:
    """Attachments, and the mark of what feeds have yet to take note of."""
    attachments = sa.Column("attachments", sa.JSON(), nullable=False, server_default="[]")
    op.add_column("article", attachments)
    op.add_column("article", sa.Column("feed_hash", sa.Text(), nullable=True))
    op.create_index(
        "ix_article_feed_due", "article", ["id"], sqlite_where=sa.text("feed_hash IS NULL")
    )
    op.create_index(
        "ix_source_file_quarantined",
        "source_file",
        ["path"],
        sqlite_where=sa.text("reason IS NOT NULL"),
    )


def _feeds() -> None:
    """Which feeds there are, and the identities of their entries."""
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("affiliation", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=True),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('language', 'topic', 'author', 'all')", name="ck_feed_kind"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("kind", "language", "label", name="uq_feed_kind_language_label"),
        sa.UniqueConstraint("name", name="uq_feed_name"),
    )
    op.create_index("ix_feed_due", "feed", ["id"], sqlite_where=sa.text("due = 1"))
    op.create_table(
        "feed_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_feed_entry_article_id_article"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed_entry"),
        sa.UniqueConstraint("article_id", "language", name="uq_feed_entry_article_id_language"),
        sa.UniqueConstraint("tag", name="uq_feed_entry_tag"),
    )


def _places() -> None:
    """Where each entry stands in each feed, what is closed, and whom to tell."""
    op.create_table(
        "feed_place",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "standing IN ('here', 'revised', 'gone')", name="ck_feed_place_standing"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["feed_entry.id"], name="fk_feed_place_entry_id_feed_entry"
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_place_feed_id_feed"),
        sa.PrimaryKeyConstraint("feed_id", "position", name="pk_feed_place"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_feed_place_entry_id", "feed_place", ["entry_id"], unique=False)
    op.create_index(
        "ix_feed_place_gone",
        "feed_place",
        ["feed_id", "position"],
        sqlite_where=sa.text("standing = 'gone'"),
    )
    op.create_table(
        "feed_archive",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_archive_feed_id_feed"),
        sa.PrimaryKeyConstraint("feed_id", "number", name="pk_feed_archive"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_feed_archive_due",
        "feed_archive",
        ["feed_id", "number"],
        sqlite_where=sa.text("due = 1"),
    )
    op.create_table(
        "feed_ping",
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("told_at", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'told', 'failed')", name="ck_feed_ping_state"),
        sa.PrimaryKeyConstraint("hub", "topic", name="pk_feed_ping"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_feed_ping_due",
        "feed_ping",
        ["due_at"],
        sqlite_where=sa.text("state = 'pending'"),
    )
