"""A fingerprint of the secret, which machines that share the database compare."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "secret_fingerprint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_secret_fingerprint_only_row"),
        sa.PrimaryKeyConstraint("id", name="pk_secret_fingerprint"),
    )
