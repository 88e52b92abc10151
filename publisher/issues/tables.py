"""Tables: how far each edition is planned, its issues, their articles and digests.

What is sent to whom is in the ledger (`publisher.delivery.ledger`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import UTCDateTime, metadata
from publisher.issues.model import IssueState

_ISSUE_STATES = ", ".join(f"'{state}'" for state in IssueState)

edition_table = Table(
    "edition",
    metadata,
    Column("newsletter", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    # Occurrences up to this instant have become issues or were skipped.
    Column("planned_until", UTCDateTime, nullable=False),
    # Articles available up to this instant were considered in a selection.
    Column("cut_at", UTCDateTime),
    info=KEYED,
)

issue_table = Table(
    "issue",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint(f"state IN ({_ISSUE_STATES})", name="state"),
        nullable=False,
    ),
    # An `issues.model.IssueReason`, and its details in one line.
    Column("reason_key", Text),
    Column("reason", Text),
    # Grows with every change of state. A move must name the current epoch (compare-and-set).
    Column("epoch", Integer, nullable=False, server_default="0"),
    # One of several late issues takes only articles published until its own hour.
    Column("published_until", UTCDateTime),
    Column("more", Integer, nullable=False, server_default="0"),
    Column("assembled_at", UTCDateTime),
    Column("finished_at", UTCDateTime),
    # The hash of the digest that the web page was last written from; NULL before that.
    Column("page_hash", Text),
    UniqueConstraint("newsletter", "language", "day"),
)
Index("ix_issue_state", issue_table.c.state)
Index("ix_issue_newsletter_day", issue_table.c.newsletter, issue_table.c.day)

issue_article_table = Table(
    "issue_article",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False, index=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    info=KEYED,
)

digest_table = Table(
    "digest",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("subject", Text, nullable=False),
    Column("preheader", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    # The gate's warnings, a list of objects as in `--json`.
    Column("findings", JSON, nullable=False, server_default="[]"),
)
