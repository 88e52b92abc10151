"""Requests to join, the records of consent, and why an address was erased.

Addresses that were erased before keep the reason that they had: somebody asked for the erasure.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the tables and add the column."""
    op.add_column(
        "erased_address",
        sa.Column("reason_key", sa.Text(), server_default="erased", nullable=False),
    )
    op.create_table(
        "join_request",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("newsletters", sa.JSON(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("code_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reminded_at", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.Text(), nullable=True),
        sa.Column("cancelled_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_join_request_subscriber_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_join_request"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_join_request_subscriber_id", "join_request", ["subscriber_id"])
    op.create_index("ix_join_request_requested_at", "join_request", ["requested_at"])
    op.create_table(
        "consent_wording",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_consent_wording"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "consent_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("newsletters", sa.JSON(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("wording_digest", sa.Text(), nullable=True),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_consent_record_subscriber_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["wording_digest"],
            ["consent_wording.digest"],
            name="fk_consent_record_wording_digest",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_consent_record"),
    )
    op.create_index("ix_consent_record_subscriber_id", "consent_record", ["subscriber_id"])
    op.create_index("ix_consent_record_at", "consent_record", ["at"])
