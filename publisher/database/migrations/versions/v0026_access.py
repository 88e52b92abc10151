"""Changes of addresses, merged subscribers, and the sessions of their pages."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"


def upgrade() -> None:
    """Create the tables."""
    _create(
        "address_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("old_address", sa.Text(), nullable=False),
        sa.Column("new_address", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.Text(), nullable=True),
        sa.Column("undone_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_address_change"),
        sqlite_autoincrement=True,
    )
    _create(
        "subscriber_alias",
        sa.Column("former_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("merged_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("former_id", name="pk_subscriber_alias"),
    )
    _create(
        "access_request",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("code_digest", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.Column("used_at", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_request"),
        sqlite_autoincrement=True,
    )
    _create(
        "subscriber_session",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_subscriber_session"),
        sqlite_with_rowid=False,
    )


def _create(table: str, *parts: sa.schema.SchemaItem, **options: bool) -> None:
    """Create a table whose rows end with their subscriber."""
    key = sa.ForeignKeyConstraint(
        ["subscriber_id"],
        ["subscriber.id"],
        name=f"fk_{table}_subscriber_id",
        ondelete="CASCADE",
    )
    op.create_table(table, *parts, key, **options)
    op.create_index(f"ix_{table}_subscriber_id", table, ["subscriber_id"])
