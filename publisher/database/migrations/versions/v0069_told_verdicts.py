"""Whether a mail has told editors and approvers of a verdict that was struck, or that asks for changes."""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"


def upgrade() -> None:
    """Add the column. Nobody is told of what is there already."""
    told = sa.Column(
        "is_told",
        sa.Boolean(create_constraint=False),
        nullable=False,
        server_default=sa.false(),
    )
    op.add_column("issue_approval", told)
    table = sa.table("issue_approval", sa.column("is_told", sa.Boolean()))
    op.get_bind().execute(sa.update(table).values(is_told=True))
