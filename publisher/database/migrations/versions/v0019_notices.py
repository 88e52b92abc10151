"""Mails about a subscription."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_STATES = (
    "'pending', 'claimed', 'attempting', 'sent', 'deferred', 'bounced', 'failed', 'in_doubt',"
    " 'suppressed', 'cancelled'"
)
_KINDS = (
    "'confirm', 'reminder', 'already-subscribed', 'welcome', 'goodbye', 'confirm-address',"
    " 'address-changed', 'links', 'data'"
)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("to_address", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.Text(), nullable=True),
        sa.Column("was_resent", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_id", sa.Integer(), nullable=True),
        sa.Column("reason_key", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(f"kind IN ({_KINDS})", name="ck_notice_kind"),
        sa.CheckConstraint(f"state IN ({_STATES})", name="ck_notice_state"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_notice_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notice_state_next_at", "notice", ["state", "next_at"])
    op.create_index("ix_notice_subscriber_id", "notice", ["subscriber_id"])
    op.create_index("ix_notice_kind_changed_at", "notice", ["kind", "changed_at"])
