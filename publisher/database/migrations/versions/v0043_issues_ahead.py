"""Issues before they are due: when they may be sent, edits, approvals, and old revisions."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    """Add columns and tables. Known issues may be sent when they are due."""
    with op.batch_alter_table("issue") as batch:
        batch.add_column(sa.Column("send_at", sa.Text(), nullable=True))
        batch.add_column(
            sa.Column("revision", sa.Integer(), server_default="0", nullable=False)
        )
        batch.add_column(sa.Column("kind", sa.Text(), server_default="regular", nullable=False))
        batch.add_column(sa.Column("serial", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("corrects_id", sa.Integer(), nullable=True))
        batch.create_foreign_key("fk_issue_corrects_id_issue", "issue", ["corrects_id"], ["id"])
        batch.drop_constraint("uq_issue_newsletter_language_day", type_="unique")
        batch.create_unique_constraint(
            "uq_issue_newsletter_language_day_serial",
            ["newsletter", "language", "day", "serial"],
        )
    op.execute("UPDATE issue SET send_at = due_at")
    op.add_column("digest", sa.Column("manifest", sa.Text(), nullable=True))
    op.create_table(
        "digest_revision",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("subject", "preheader", "html", "text", "page", "sha256")
        ),
        sa.Column("manifest", sa.Text(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
        _of_issue("digest_revision"),
        sa.PrimaryKeyConstraint("issue_id", "revision", name="pk_digest_revision"),
    )
    op.create_table(
        "issue_edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=True),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        *_who_and_when(),
        sa.Column("undone_at", sa.Text(), nullable=True),
        _of_issue("issue_edit"),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name="fk_issue_edit_story_id_story"
        ),
        _by_account("issue_edit"),
        sa.PrimaryKeyConstraint("id", name="pk_issue_edit"),
    )
    op.create_index("ix_issue_edit_issue_id", "issue_edit", ["issue_id"])
    op.create_index("ix_issue_edit_story_id", "issue_edit", ["story_id"])
    op.create_table(
        "issue_approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        *_who_and_when(),
        sa.Column("plan_hash", sa.Text(), nullable=True),
        sa.Column("plan_counts", sa.JSON(), nullable=True),
        _of_issue("issue_approval"),
        _by_account("issue_approval"),
        sa.PrimaryKeyConstraint("id", name="pk_issue_approval"),
    )
    op.create_index("ix_issue_approval_issue_id", "issue_approval", ["issue_id"])


def _who_and_when() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.Text(), nullable=False),
    )


def _of_issue(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_issue_id_issue"
    return sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name=name, ondelete="CASCADE")


def _by_account(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_account_id_account"
    return sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=name)
