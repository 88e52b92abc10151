"""Bounces and complaints: what was reported about mails after they were accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Create the table and its indexes."""
    op.create_table(
        "bounce_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=True),
        sa.Column("issue_id", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="", nullable=False),
        sa.Column("diagnostic", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_bounce_event_issue_id_issue",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_bounce_event"),
        sa.UniqueConstraint("source", "source_id", name="uq_bounce_event_source_source_id"),
    )
    op.create_index("ix_bounce_event_subscriber_id", "bounce_event", ["subscriber_id"])
    op.create_index("ix_bounce_event_received_at_kind", "bounce_event", ["received_at", "kind"])
    op.create_index("ix_bounce_event_issue_id_kind", "bounce_event", ["issue_id", "kind"])
