"""Deliveries that are leased, tried again and counted; who sends; rates.

The ledger is written anew, since SQLite can't change a column. Nobody holds a claim while the
schema changes, so what was claimed is pending again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

STATES = (
    "pending",
    "claimed",
    "attempting",
    "sent",
    "deferred",
    "bounced",
    "failed",
    "in_doubt",
    "suppressed",
    "cancelled",
)
KEPT = "issue_id, subscriber_id, due_at, epoch, attempts, reason, changed_at"


def upgrade() -> None:
    """Make the tables, and carry the old ledger over."""
    op.drop_index("ix_delivery_state", "delivery")
    op.rename_table("delivery", "delivery_before")
    _make_ledger()
    op.execute(
        f"INSERT INTO delivery ({KEPT}, state, next_at) SELECT {KEPT}, "  # noqa: S608  # names of ours
        "CASE state WHEN 'claimed' THEN 'pending' ELSE state END, due_at FROM delivery_before"
    )
    op.drop_table("delivery_before")
    op.create_index("ix_delivery_state", "delivery", ["issue_id", "state", "next_at"])
    _make_senders()
    _make_counts()
    _make_rates()


def _make_ledger() -> None:
    states = ", ".join(f"'{state}'" for state in STATES)
    op.create_table(
        "delivery",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sender", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(f"state IN ({states})", name="ck_delivery_state"),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name="fk_delivery_issue_id_issue"),
        sa.PrimaryKeyConstraint("issue_id", "subscriber_id", name="pk_delivery"),
        sqlite_with_rowid=False,
    )


def _make_senders() -> None:
    op.create_table(
        "sender",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("guarantee", sa.Text(), nullable=False),
        sa.Column("lock", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sender"),
        sqlite_autoincrement=True,
    )


def _make_counts() -> None:
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
    op.execute(
        "INSERT INTO delivery_count SELECT issue_id, state, count(*) FROM delivery "
        "WHERE issue_id IN (SELECT id FROM issue WHERE state IN ('sent', 'partial', 'failed')) "
        "GROUP BY issue_id, state"
    )


def _make_rates() -> None:
    op.create_table(
        "rate_bucket",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tat", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_bucket"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rate_slowing",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pace", sa.Float(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("aim", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rate_slowing"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "warmup_day",
        sa.Column("transport", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("transport", "day", name="pk_warmup_day"),
        sqlite_with_rowid=False,
    )
