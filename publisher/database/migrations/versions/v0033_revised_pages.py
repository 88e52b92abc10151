"""The pages of issues that follow corrections and withdrawals of their articles.

An article counts as corrected from what it says now: of earlier changes there is no record.
"""

import hashlib
import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_ARTICLE = sa.table(
    "article",
    *(sa.column(name) for name in ("id", "title", "summary", "text", "html")),
    *(sa.column(n, sa.JSON) for n in ("bylines", "translators", "picture", "attachments")),
)


def upgrade() -> None:
    """Keep what issues said, and have those due whose articles are not published any more."""
    op.create_table(
        "revised_page",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("page", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"],
            ["issue.id"],
            name="fk_revised_page_issue_id_issue",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("issue_id", name="pk_revised_page"),
    )
    op.add_column("issue_article", sa.Column("words_hash", sa.Text(), nullable=True))
    used = sa.text("id IN (SELECT article_id FROM issue_article)")
    connection = op.get_bind()
    fill = sa.text("UPDATE issue_article SET words_hash = :words WHERE article_id = :number")
    for row in connection.execute(sa.select(_ARTICLE).where(used)).all():
        connection.execute(fill, {"words": _words_hash(row), "number": row.id})
    op.execute(
        "INSERT INTO revised_page (issue_id) SELECT DISTINCT issue_id FROM issue_article"
        " JOIN article ON article.id = article_id WHERE status <> 'ready'"
        " AND issue_id IN (SELECT issue_id FROM digest)"
    )
    _rewrite_old_archives()


def _rewrite_old_archives() -> None:
    """Archive documents lose the old text of articles that were edited."""
    is_old = "EXISTS (SELECT 1 FROM feed_position WHERE feed_id = {feed} AND state = 'superseded'{more})"
    inside = " AND position BETWEEN feed_archive.first AND feed_archive.last"
    archive = is_old.format(feed="feed_archive.feed_id", more=inside)
    op.execute(f"UPDATE feed_archive SET due = true WHERE {archive}")  # noqa: S608  # no input
    op.execute(f"UPDATE feed SET due = true WHERE {is_old.format(feed='feed.id', more='')}")  # noqa: S608


def _words_hash(row: sa.Row[Any]) -> str:
    words = {
        "title": row.title,
        "summary": row.summary,
        "text": row.text,
        "bylines": row.bylines,
        "translators": row.translators,
        "pictures": re.findall(r'\balt="([^"]*)"', row.html),
        "picture": row.picture["alt"] if row.picture else None,
        "files": [each["title"] for each in row.attachments],
    }
    plain = json.dumps(words, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()
