"""The first schema: readers, articles, issues, the ledger.

Written out rather than made from the tables, since it must stay as it is when they change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _readers()
    _articles()
    _issues()
    _ledger_and_outputs()


def _readers() -> None:
    """Who reads."""
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
            name="ck_subscriber_status",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
        sa.UniqueConstraint("email", name="uq_subscriber_email"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_subscriber_status_language_id",
        "subscriber",
        ["status", "language", "id"],
        unique=False,
    )
    op.create_table(
        "subscription",
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("consented_at", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'unsubscribed')", name="ck_subscription_status"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_subscription_subscriber_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "newsletter", name="pk_subscription"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_subscription_newsletter_status_subscriber_id",
        "subscription",
        ["newsletter", "status", "subscriber_id"],
        unique=False,
    )


def _articles() -> None:
    """What was picked up."""
    op.create_table(
        "story",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_story"),
        sa.UniqueConstraint("key", name="uq_story_key"),
        sa.UniqueConstraint("slug", name="uq_story_slug"),
    )
    op.create_table(
        "article",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("bylines", sa.JSON(), nullable=False),
        sa.Column("translators", sa.JSON(), nullable=False),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("picture", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("published_at", sa.Text(), nullable=False),
        sa.Column("available_at", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("converted_from", sa.Text(), nullable=True),
        sa.Column("page_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_article_story_id_story"),
        sa.PrimaryKeyConstraint("id", name="pk_article"),
        sa.UniqueConstraint("story_id", "language", name="uq_article_story_id_language"),
    )
    op.create_index(
        "ix_article_language_available",
        "article",
        ["language", "status", "available_at"],
        unique=False,
    )
    op.create_index(
        "ix_article_language_published",
        "article",
        ["language", "status", "published_at"],
        unique=False,
    )
    op.create_index(
        "ix_article_page_due",
        "article",
        ["id"],
        unique=False,
        sqlite_where=sa.text("page_hash IS NULL"),
    )
    op.create_table(
        "source_file",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_source_file_article_id_article"
        ),
        sa.PrimaryKeyConstraint("source", "path", name="pk_source_file"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_source_file_article_id", "source_file", ["article_id"], unique=False)
    op.create_index("ix_source_file_sha256", "source_file", ["sha256"], unique=False)
    op.create_table(
        "source_state",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_source_state"),
        sqlite_with_rowid=False,
    )


def _issues() -> None:
    """What is planned and frozen."""
    op.create_table(
        "edition",
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("planned_until", sa.Text(), nullable=False),
        sa.Column("cut_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("newsletter", "language", name="pk_edition"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_until", sa.Text(), nullable=True),
        sa.Column("more", sa.Integer(), server_default="0", nullable=False),
        sa.Column("assembled_at", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("page_hash", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('scheduled', 'assembling', 'awaiting_approval', 'ready', 'sending', 'paused', 'sent', 'partial', 'failed', 'skipped', 'cancelled')",
            name="ck_issue_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_issue"),
        sa.UniqueConstraint(
            "newsletter", "language", "day", name="uq_issue_newsletter_language_day"
        ),
    )
    op.create_index("ix_issue_newsletter_day", "issue", ["newsletter", "day"], unique=False)
    op.create_index("ix_issue_state", "issue", ["state"], unique=False)
    op.create_table(
        "issue_article",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_issue_article_article_id_article"
        ),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_issue_article_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name="fk_issue_article_story_id_story"
        ),
        sa.PrimaryKeyConstraint("issue_id", "position", name="pk_issue_article"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_issue_article_story_id", "issue_article", ["story_id"], unique=False)
    op.create_table(
        "digest",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name="fk_digest_issue_id_issue", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", name="pk_digest"),
    )


def _ledger_and_outputs() -> None:
    """Who was sent what, and what files were made from."""
    op.create_table(
        "delivery",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'attempting', 'sent', 'deferred', 'bounced', 'failed', 'in_doubt', 'suppressed', 'cancelled')",
            name="ck_delivery_state",
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name="fk_delivery_issue_id_issue"),
        sa.PrimaryKeyConstraint("issue_id", "subscriber_id", name="pk_delivery"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_delivery_state", "delivery", ["issue_id", "state", "due_at"], unique=False
    )
    op.create_table(
        "output",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_output"),
        sqlite_with_rowid=False,
    )
