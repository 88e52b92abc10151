"""Which mails were received, and how far mailboxes were read."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_LARGE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "received_mail",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_received_mail"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_received_mail_received_at", "received_mail", ["received_at"])
    op.create_table(
        "mailbox_mark",
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("uid_validity", _LARGE, nullable=False),
        sa.Column("uid", _LARGE, nullable=False),
        sa.PrimaryKeyConstraint("mailbox", name="pk_mailbox_mark"),
        sqlite_with_rowid=False,
    )
