"""What translators chose, and the mails to them."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "translator",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("wants_mail", sa.Boolean(create_constraint=False), nullable=True),
        sa.Column("feed_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("told_until", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name="fk_translator_account_id_account",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_translator"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "translator_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("was_resent", sa.Boolean(create_constraint=False), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name="fk_translator_mail_account_id_account",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_translator_mail"),
        sa.CheckConstraint(
            "state IN ('pending', 'attempting', 'sent', 'failed')",
            name="ck_translator_mail_state",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_translator_mail_state_next_at", "translator_mail", ["state", "next_at"])
