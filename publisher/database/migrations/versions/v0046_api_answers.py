"""Answers to requests of the API that had an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "api_answer",
        sa.Column("api_key_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["api_key_id"],
            ["api_key.id"],
            name="fk_api_answer_api_key_id_api_key",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("api_key_id", "client_key", name="pk_api_answer"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_api_answer_begun_at", "api_answer", ["begun_at"])
