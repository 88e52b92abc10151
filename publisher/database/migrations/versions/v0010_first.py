"""The first schema.

Written out instead of being made from the tables: it must stay as it is when they change.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = None

# Seconds since 1970 do not fit into the Integer of PostgreSQL after 2038.
_WIDE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    _subscribers()
    _articles()
    _issues()
    _feeds()
    _deliveries()
    _build_cache()


def _subscribers() -> None:
    """Who receives what."""
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        *_texts("email", "address"),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=True),
        *_texts("status", "created_at", "updated_at"),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
            name="ck_subscriber_status",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
        sa.UniqueConstraint("email", name="uq_subscriber_email"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_subscriber_status_language_id", "subscriber", ["status", "language", "id"]
    )
    op.create_table(
        "subscription",
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        *_texts("newsletter", "status"),
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
    )


def _articles() -> None:
    """What was picked up."""
    op.create_table(
        "source_state",
        *_texts("source", "fingerprint"),
        sa.PrimaryKeyConstraint("source", name="pk_source_state"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "story",
        sa.Column("id", sa.Integer(), nullable=False),
        *_texts("key", "slug"),
        sa.PrimaryKeyConstraint("id", name="pk_story"),
        sa.UniqueConstraint("key", name="uq_story_key"),
        sa.UniqueConstraint("slug", name="uq_story_slug"),
    )
    op.create_table(
        "article",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        *_texts("language", "origin", "status", "declared", "title", "summary", "html", "text"),
        sa.Column("bylines", sa.JSON(), nullable=False),
        sa.Column("translators", sa.JSON(), nullable=False),
        sa.Column("section", sa.Text(), nullable=True),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.Column("picture", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("offered", sa.JSON(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        *_texts("published_at", "available_at", "updated_at", "content_hash"),
        sa.Column("converted_from", sa.Text(), nullable=True),
        sa.Column("page_hash", sa.Text(), nullable=True),
        sa.Column("attachments", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("feed_hash", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name="fk_article_story_id_story"),
        sa.PrimaryKeyConstraint("id", name="pk_article"),
        sa.UniqueConstraint("story_id", "language", name="uq_article_story_id_language"),
    )
    op.create_index("ix_article_feed_due", "article", ["id"], **_where("feed_hash IS NULL"))
    op.create_index(
        "ix_article_language_available", "article", ["language", "status", "available_at"]
    )
    op.create_index(
        "ix_article_language_published", "article", ["language", "status", "published_at"]
    )
    op.create_index("ix_article_page_due", "article", ["id"], **_where("page_hash IS NULL"))
    op.create_table(
        "source_file",
        *_texts("source", "path", "signature", "sha256"),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_source_file_article_id_article"
        ),
        sa.PrimaryKeyConstraint("source", "path", name="pk_source_file"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_source_file_article_id", "source_file", ["article_id"])
    op.create_index(
        "ix_source_file_quarantined",
        "source_file",
        ["path"],
        **_where("reason IS NOT NULL"),
    )
    op.create_index("ix_source_file_sha256", "source_file", ["sha256"])


def _issues() -> None:
    """What is planned and frozen."""
    op.create_table(
        "edition",
        *_texts("newsletter", "language", "planned_until"),
        sa.Column("cut_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("newsletter", "language", name="pk_edition"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        *_texts("newsletter", "language"),
        sa.Column("day", sa.Date(), nullable=False),
        *_texts("due_at", "state"),
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
    op.create_index("ix_issue_newsletter_day", "issue", ["newsletter", "day"])
    op.create_index("ix_issue_state", "issue", ["state"])
    op.create_table(
        "digest",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        *_texts("subject", "preheader", "html", "text", "page", "sha256"),
        sa.Column("findings", sa.JSON(), server_default="[]", nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name="fk_digest_issue_id_issue", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", name="pk_digest"),
    )
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
    op.create_index("ix_issue_article_story_id", "issue_article", ["story_id"])


def _feeds() -> None:
    """Feeds, their entries and archives, and pings of hubs."""
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), nullable=False),
        *_texts("name", "kind", "language", "label", "title"),
        sa.Column("affiliation", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Text(), nullable=True),
        sa.Column("due", sa.Boolean(), nullable=False),
        sa.Column("announced", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('language', 'topic', 'author', 'all')", name="ck_feed_kind"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed"),
        sa.UniqueConstraint("kind", "language", "label", name="uq_feed_kind_language_label"),
        sa.UniqueConstraint("name", name="uq_feed_name"),
    )
    op.create_index("ix_feed_due", "feed", ["id"], **_where("due = 1", "due"))
    op.create_table(
        "websub_ping",
        *_texts("hub", "topic", "state"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.Text(), nullable=True),
        sa.Column("last_response", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'failed')", name="ck_websub_ping_state"
        ),
        sa.PrimaryKeyConstraint("hub", "topic", name="pk_websub_ping"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_websub_ping_due",
        "websub_ping",
        ["due_at"],
        **_where("state = 'pending'"),
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
        **_where("due = 1", "due"),
    )
    op.create_table(
        "feed_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        *_texts("language", "tag"),
        sa.Column("updated", _WIDE, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_feed_entry_article_id_article"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_feed_entry"),
        sa.UniqueConstraint("article_id", "language", name="uq_feed_entry_article_id_language"),
        sa.UniqueConstraint("tag", name="uq_feed_entry_tag"),
    )
    op.create_table(
        "feed_position",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('present', 'superseded', 'withdrawn')", name="ck_feed_position_state"
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["feed_entry.id"], name="fk_feed_position_entry_id_feed_entry"
        ),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_position_feed_id_feed"),
        sa.PrimaryKeyConstraint("feed_id", "position", name="pk_feed_position"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_feed_position_entry_id", "feed_position", ["entry_id"])
    op.create_index(
        "ix_feed_position_withdrawn",
        "feed_position",
        ["feed_id", "position"],
        **_where("state = 'withdrawn'"),
    )


def _deliveries() -> None:
    """The ledger, who sends at present, and rates."""
    op.create_table(
        "rate_bucket",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tat", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_bucket"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rate_throttle",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("per_second", sa.Float(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("target", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_throttle"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "send_lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        *_texts("transport", "guarantee", "lock_file"),
        sa.PrimaryKeyConstraint("id", name="pk_send_lease"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "warmup_day",
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("transport", "day", name="pk_warmup_day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        *_texts("state", "due_at", "next_at"),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.Text(), nullable=True),
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
    op.create_index("ix_delivery_state", "delivery", ["issue_id", "state", "next_at"])
    op.create_table(
        "delivery_count",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_delivery_count_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("issue_id", "state", name="pk_delivery_count"),
        sqlite_with_rowid=False,
    )


def _build_cache() -> None:
    """What generated files were made from."""
    op.create_table(
        "build_cache",
        *_texts("name", "fingerprint"),
        sa.PrimaryKeyConstraint("name", name="pk_build_cache"),
        sqlite_with_rowid=False,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    """Return text columns that must have a value."""
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _where(condition: str, on_postgresql: str | None = None) -> dict[str, Any]:
    """Return the condition of a partial index."""
    return {
        "sqlite_where": sa.text(condition),
        "postgresql_where": sa.text(on_postgresql or condition),
    }
