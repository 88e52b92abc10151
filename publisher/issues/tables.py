"""Tables: how far each edition is planned, changed occurrences, its issues, their articles, digests and variants.

What is sent to whom is in the ledger (`publisher.delivery.ledger`).
"""

from typing import Any

import sqlalchemy as sa

from publisher.accounts.tables import account_table
from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import SentenceObjects, SentenceText, UTCDateTime, metadata
from publisher.issues.model import IssueState

_ISSUE_STATES = ", ".join(f"'{state}'" for state in IssueState)


def _flag(name: str) -> sa.Column[bool]:
    kind = sa.Boolean(create_constraint=False)
    return sa.Column(name, kind, nullable=False, server_default=sa.false())


def _of_issue(name: str, **options: Any) -> sa.Column[int]:
    """Return a column with an issue, whose rows end with it."""
    return sa.Column(name, sa.ForeignKey("issue.id", ondelete="CASCADE"), **options)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


edition_table = sa.Table(
    "edition",
    metadata,
    sa.Column("newsletter", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    # Occurrences up to this instant have become issues or were skipped.
    sa.Column("planned_until", UTCDateTime, nullable=False),
    # Articles available up to this instant were considered in a selection.
    sa.Column("cut_at", UTCDateTime),
    info=KEYED,
)

issue_table = sa.Table(
    "issue",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("newsletter", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("due_at", UTCDateTime, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(f"state IN ({_ISSUE_STATES})", name="state"),
        nullable=False,
    ),
    # An `issues.model.IssueReason`, and its details in one line.
    sa.Column("reason_key", sa.Text),
    sa.Column("reason", SentenceText),
    # Grows with every change of state. A move must name the current epoch (compare-and-set).
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    # Articles that became available after this were considered; NULL for all.
    sa.Column("available_since", UTCDateTime),
    # No article is for subscribers without a profile: they get nothing, but the issue has a page.
    _flag("for_profiles_only"),
    # One of several late issues takes only articles published until its own hour.
    sa.Column("published_until", UTCDateTime),
    sa.Column("more", sa.Integer, nullable=False, server_default="0"),
    # What it had before editors changed it: pairs of story and article, and `more`; NULL without edits.
    sa.Column("selected", sa.JSON(none_as_null=True)),
    sa.Column("assembled_at", UTCDateTime),
    sa.Column("send_at", UTCDateTime),  # from when on it may be sent; NULL if it is held
    # Whether it was held because the schedule has its day no more.
    _flag("is_unscheduled"),
    # How many mails have reminded of it while it waited for approval.
    sa.Column("reminders", sa.Integer, nullable=False, server_default="0"),
    # Grows when what it contains may have changed.
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    # An `issues.model.IssueKind`. Of a correction: its number among those of the day, and of what.
    sa.Column("kind", sa.Text, nullable=False, server_default="regular"),
    sa.Column("serial", sa.Integer, nullable=False, server_default="0"),
    sa.Column("corrects_id", sa.ForeignKey("issue.id")),
    # Of an announcement: conditions that limit who gets it, one a line; NULL for none.
    sa.Column("audience", sa.Text),
    # Of an announcement: whether lists of issues and feeds have it.
    _flag("is_listed"),
    sa.Column("finished_at", UTCDateTime),
    # The hash of the digest, or of the revised page, that is on disk; NULL before that, and empty if
    # a page that is on disk must be written again.
    sa.Column("page_hash", sa.Text),
    sa.UniqueConstraint("newsletter", "language", "day", "serial"),
)
sa.Index("ix_issue_state", issue_table.c.state)
sa.Index("ix_issue_newsletter_day", issue_table.c.newsletter, issue_table.c.day)

# Before a language: in the place of an issue's name, for those of a database that is lost.
BEFORE_NEW_START = "before the new start: "

# Of issues that were sent before the database was restored: the stories that they are made of anew. By the
# name, since the issue may not be planned again yet.
recovered_story_table = sa.Table(
    "recovered_story",
    metadata,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("story_key", sa.Text, primary_key=True),
    info=KEYED,
)

# What editors changed of single occurrences. A change that was undone keeps its row: calendars of
# other programs take an event anew only if its number has grown.
occurrence_change_table = sa.Table(
    "occurrence_change",
    metadata,
    sa.Column("newsletter", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    # The local date of the schedule, which stays the name of the issue.
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("due_at", UTCDateTime),  # when it is due instead; NULL for the schedule's instant
    sa.Column("skip_reason", sa.Text),  # why it is skipped; NULL if it is not
    sa.Column("revision", sa.Integer, nullable=False),  # the number of changes so far
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("changed_at", UTCDateTime, nullable=False),
    info=KEYED,
)

issue_article_table = sa.Table(
    "issue_article",
    metadata,
    _of_issue("issue_id", primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("story_id", sa.ForeignKey("story.id"), nullable=False, index=True),
    sa.Column("article_id", sa.ForeignKey("article.id"), nullable=False),
    # What the article said when the digest was frozen; NULL if it is not in the digest.
    sa.Column("words_hash", sa.Text),
    info=KEYED,
)

digest_table = sa.Table(
    "digest",
    metadata,
    _of_issue("issue_id", primary_key=True),
    *_texts("subject", "preheader", "html", "text", "page", "sha256"),
    # The gate's warnings, a list of objects as in `--json`.
    sa.Column("findings", SentenceObjects, nullable=False, server_default="[]"),
    sa.Column("manifest", sa.Text),  # a hash of all that approvers sign; NULL without approvals
)

# What an issue contained before it was changed.
digest_revision_table = sa.Table(
    "digest_revision",
    metadata,
    _of_issue("issue_id", primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    *_texts("subject", "preheader", "html", "text", "page", "sha256"),
    sa.Column("manifest", sa.Text),
    # Pairs of story and article.
    sa.Column("articles", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("at", UTCDateTime, nullable=False),  # when it was replaced
)

# What editors changed in an issue, in the order of the ids. One that is undone stays.
issue_edit_table = sa.Table(
    "issue_edit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_issue("issue_id", nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),  # an `issues.editing.EditKind`
    sa.Column("story_id", sa.ForeignKey("story.id"), index=True),
    sa.Column("value", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),  # the address of an account, or "terminal"
    sa.Column("account_id", sa.ForeignKey(account_table.c.id)),
    sa.Column("at", UTCDateTime, nullable=False),
    sa.Column("undone_at", UTCDateTime),
)

# What approvers decided about a manifest. It counts as long as the issue has the same one.
issue_approval_table = sa.Table(
    "issue_approval",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_issue("issue_id", nullable=False, index=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),  # "approve" or "changes"
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("account_id", sa.ForeignKey(account_table.c.id)),
    sa.Column("at", UTCDateTime, nullable=False),
    # The plan that the approver saw: its hash, and how many got the issue, by its language.
    sa.Column("plan_hash", sa.Text),
    sa.Column("plan_counts", sa.JSON(none_as_null=True)),
    # Why it does not count any more although the manifest is the same: its audience moved.
    sa.Column("lapsed", SentenceText),
    # Whether mails have told that it asks for changes, or that it was struck.
    _flag("is_announced"),
)

OUTDATED = ""  # in the place of a page's hash: the page is on disk, and must be written again

# The page of an issue whose articles were corrected or withdrawn since; NULL if it is to be rendered.
revised_page_table = sa.Table(
    "revised_page",
    metadata,
    _of_issue("issue_id", primary_key=True),
    sa.Column("page", sa.Text),
    sa.Column("sha256", sa.Text),
)

# Corrections of issues that were sent. One without an issue of its own is on the web only.
correction_table = sa.Table(
    "correction",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_issue("first_id", nullable=False, index=True),
    # The issue by which it is mailed.
    _of_issue("issue_id", unique=True),
    sa.Column("subject", sa.Text, nullable=False),
    # As the editor wrote it, and as clean HTML.
    sa.Column("markdown", sa.Text, nullable=False),
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("created_at", UTCDateTime, nullable=False),
)

# What some of the audience get instead of the issue's digest: other articles, or other lengths.
# A variant that is not rendered yet has no hash. What is rendered never changes.
issue_variant_table = sa.Table(
    "issue_variant",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_issue("issue_id", nullable=False),
    # A hash of what the variant carries: subscribers who get the same share one.
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("length", sa.Text),  # "summary" or "full"; NULL for the newsletter's
    sa.Column("more", sa.Integer, nullable=False),  # articles that had no room
    *_texts("subject", "preheader", "html", "text", "sha256", nullable=True),
    # The gate's warnings, a list of objects as in `--json`.
    sa.Column("findings", SentenceObjects, nullable=False, server_default="[]"),
    sa.UniqueConstraint("issue_id", "key"),
)

issue_variant_article_table = sa.Table(
    "issue_variant_article",
    metadata,
    sa.Column(
        "variant_id", sa.ForeignKey("issue_variant.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("story_id", sa.ForeignKey("story.id"), nullable=False, index=True),
    sa.Column("article_id", sa.ForeignKey("article.id"), nullable=False),
    info=KEYED,
)
