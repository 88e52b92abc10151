"""Tables: how far each edition is planned, changed occurrences, its issues, their articles, digests and variants.

What is sent to whom is in the ledger (`publisher.delivery.ledger`).
"""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from publisher.accounts.tables import account_table
from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import SentenceObjects, SentenceText, UTCDateTime, metadata
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
    Column("reason", SentenceText),
    # Grows with every change of state. A move must name the current epoch (compare-and-set).
    Column("epoch", Integer, nullable=False, server_default="0"),
    # Articles that became available after this were considered; NULL for all.
    Column("available_since", UTCDateTime),
    # No article is for subscribers without a profile: they get nothing, but the issue has a page.
    Column(
        "for_profiles_only",
        Boolean(create_constraint=False),
        nullable=False,
        server_default=false(),
    ),
    # One of several late issues takes only articles published until its own hour.
    Column("published_until", UTCDateTime),
    Column("more", Integer, nullable=False, server_default="0"),
    # What it had before editors changed it: pairs of story and article, and `more`; NULL without edits.
    Column("selected", JSON(none_as_null=True)),
    Column("assembled_at", UTCDateTime),
    # From when on it may be sent; NULL if an editor holds it.
    Column("send_at", UTCDateTime),
    # Whether it was held because the schedule has its day no more.
    Column(
        "is_unscheduled",
        Boolean(create_constraint=False),
        nullable=False,
        server_default=false(),
    ),
    # How many mails have reminded of it while it waited for approval.
    Column("reminders", Integer, nullable=False, server_default="0"),
    # Grows when what it contains may have changed.
    Column("revision", Integer, nullable=False, server_default="0"),
    # An `issues.model.IssueKind`. Of a correction: its number among those of the day, and of what.
    Column("kind", Text, nullable=False, server_default="regular"),
    Column("serial", Integer, nullable=False, server_default="0"),
    Column("corrects_id", ForeignKey("issue.id")),
    Column("finished_at", UTCDateTime),
    # The hash of the digest, or of the revised page, that is on disk; NULL before that, and empty if
    # a page that is on disk must be written again.
    Column("page_hash", Text),
    UniqueConstraint("newsletter", "language", "day", "serial"),
)
Index("ix_issue_state", issue_table.c.state)
Index("ix_issue_newsletter_day", issue_table.c.newsletter, issue_table.c.day)

# Of issues that were sent before the database was restored: the stories that they are made of anew. By the
# name, since the issue may not be planned again yet.
recovered_story_table = Table(
    "recovered_story",
    metadata,
    Column("issue", Text, primary_key=True),
    Column("story_key", Text, primary_key=True),
    info=KEYED,
)

# What editors changed of single occurrences. A change that was undone keeps its row: calendars of
# other programs take an event anew only if its number has grown.
occurrence_change_table = Table(
    "occurrence_change",
    metadata,
    Column("newsletter", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    # The local date of the schedule, which stays the name of the issue.
    Column("day", Date, primary_key=True),
    # When it is due instead; NULL for the schedule's own instant.
    Column("due_at", UTCDateTime),
    # Why it is skipped; NULL if it is not.
    Column("skip_reason", Text),
    # The number of changes so far.
    Column("revision", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    info=KEYED,
)

issue_article_table = Table(
    "issue_article",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False, index=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    # What the article said when the digest was frozen; NULL if it is not in the digest.
    Column("words_hash", Text),
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
    Column("findings", SentenceObjects, nullable=False, server_default="[]"),
    # A hash of all that approvers sign; NULL without approvals.
    Column("manifest", Text),
)

# What an issue contained before it was changed.
digest_revision_table = Table(
    "digest_revision",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("preheader", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("page", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("manifest", Text),
    # Pairs of story and article.
    Column("articles", JSON, nullable=False, server_default="[]"),
    # When it was replaced.
    Column("at", UTCDateTime, nullable=False),
)

# What editors changed in an issue, in the order of the ids. One that is undone stays.
issue_edit_table = Table(
    "issue_edit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), nullable=False, index=True),
    # An `issues.editing.EditKind`.
    Column("kind", Text, nullable=False),
    Column("story_id", ForeignKey("story.id"), index=True),
    Column("value", Text, nullable=False, server_default=""),
    # The address of an account, or "terminal".
    Column("actor", Text, nullable=False),
    Column("account_id", ForeignKey(account_table.c.id)),
    Column("at", UTCDateTime, nullable=False),
    Column("undone_at", UTCDateTime),
)

# What approvers decided about a manifest. It counts as long as the issue has the same one.
issue_approval_table = Table(
    "issue_approval",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("manifest", Text, nullable=False),
    # "approve" or "changes".
    Column("verdict", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("account_id", ForeignKey(account_table.c.id)),
    Column("at", UTCDateTime, nullable=False),
    # The plan that the approver saw: its hash, and how many got the issue, by its language.
    Column("plan_hash", Text),
    Column("plan_counts", JSON(none_as_null=True)),
    # Why it does not count any more although the manifest is the same: its audience moved.
    Column("lapsed", SentenceText),
    # Whether mails have told that it asks for changes, or that it was struck.
    Column(
        "is_announced", Boolean(create_constraint=False), nullable=False, server_default=false()
    ),
)

# In the place of a page's hash: the page is on disk, and must be written again.
OUTDATED = ""

# The page of an issue whose articles were corrected or withdrawn since; NULL if it is to be rendered.
revised_page_table = Table(
    "revised_page",
    metadata,
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), primary_key=True),
    Column("page", Text),
    Column("sha256", Text),
)

# Corrections of issues that were sent. One without an issue of its own is on the web only.
correction_table = Table(
    "correction",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("first_id", ForeignKey("issue.id", ondelete="CASCADE"), nullable=False, index=True),
    # The issue by which it is mailed.
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), unique=True),
    Column("subject", Text, nullable=False),
    # As the editor wrote it, and as clean HTML.
    Column("markdown", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
)

# What some of the audience get instead of the issue's digest: other articles, or other lengths.
# A variant that is not rendered yet has no hash. What is rendered never changes.
issue_variant_table = Table(
    "issue_variant",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id", ondelete="CASCADE"), nullable=False),
    # A hash of what the variant carries: subscribers who get the same share one.
    Column("key", Text, nullable=False),
    # "summary" or "full"; NULL for the newsletter's.
    Column("length", Text),
    # Articles that had no room.
    Column("more", Integer, nullable=False),
    Column("subject", Text),
    Column("preheader", Text),
    Column("html", Text),
    Column("text", Text),
    Column("sha256", Text),
    # The gate's warnings, a list of objects as in `--json`.
    Column("findings", SentenceObjects, nullable=False, server_default="[]"),
    UniqueConstraint("issue_id", "key"),
)

issue_variant_article_table = Table(
    "issue_variant_article",
    metadata,
    Column("variant_id", ForeignKey("issue_variant.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False, index=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    info=KEYED,
)
