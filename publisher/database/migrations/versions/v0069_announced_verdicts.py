"""Whether a mail has told editors and approvers of a verdict that was struck, or that asks for changes.

And issues of which mail bounced, and all others arrived, are `sent`, not `partial`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"


def upgrade() -> None:
    """Add the column. Nobody is told of what is there already."""
    op.add_column(
        "issue_approval",
        sa.Column(
            "is_announced",
            sa.Boolean(create_constraint=False),
            nullable=False,
            server_default=sa.false(),
        ),
    )
    table = sa.table("issue_approval", sa.column("is_announced", sa.Boolean()))
    op.get_bind().execute(sa.update(table).values(is_announced=True))
    issue = sa.table("issue", sa.column("id"), sa.column("state"))
    count = sa.table(
        "delivery_count", sa.column("issue_id"), sa.column("state"), sa.column("count")
    )
    of_issue = sa.select(sa.literal(1)).where(count.c.issue_id == issue.c.id, count.c.count > 0)
    unsettled = of_issue.where(count.c.state.in_(["failed", "in_doubt"]))
    done = sa.update(issue).where(
        issue.c.state == "partial", sa.exists(of_issue), ~sa.exists(unsettled)
    )
    op.get_bind().execute(done.values(state="sent"))
