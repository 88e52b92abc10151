"""The tables of picking up: files seen, stories, and their articles.

`source_file` remembers each file by a signature of its metadata, so that an unchanged one need
not be opened, and by a hash of its content, so that a touched one is not taken for a changed
one. Knows nothing of issues and feeds.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from publisher.database.metadata import UTCDateTime, metadata

story = Table(
    "story",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("slug", Text, nullable=False, unique=True),
)

article = Table(
    "article",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("story_id", ForeignKey("story.id"), nullable=False),
    Column("language", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("status", Text, nullable=False),
    # What the document says of itself; `status` may be worse, if it is a copy of another.
    Column("declared", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("bylines", JSON, nullable=False),
    Column("translators", JSON, nullable=False),
    Column("section", Text),
    Column("topics", JSON, nullable=False),
    Column("picture", JSON(none_as_null=True)),
    Column("url", Text),
    Column("offered", JSON, nullable=False),
    Column("published_on", Date, nullable=False),
    Column("published_at", UTCDateTime, nullable=False),
    Column("available_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    Column("content_hash", Text, nullable=False),
    # For a conversion: the content of the original that it was made from, and by what.
    Column("converted_from", Text),
    # What the page on the web was last made from; NULL until it is written.
    Column("page_hash", Text),
    Column("attachments", JSON, nullable=False, server_default="[]"),
    # What its entries in feeds were last made from; NULL until feeds have taken note of it.
    Column("feed_hash", Text),
    UniqueConstraint("story_id", "language"),
)
Index(
    "ix_article_language_published",
    article.c.language,
    article.c.status,
    article.c.published_at,
)
Index(
    "ix_article_language_available",
    article.c.language,
    article.c.status,
    article.c.available_at,
)
# Few articles lack their page at any time; the index holds only those.
Index("ix_article_page_due", article.c.id, sqlite_where=article.c.page_hash.is_(None))
Index("ix_article_feed_due", article.c.id, sqlite_where=article.c.feed_hash.is_(None))

# What is to be set on an article when anything that readers can see of it changes.
NEEDS_PUBLISHING = {"page_hash": None, "feed_hash": None}

source_file = Table(
    "source_file",
    metadata,
    Column("source", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("article_id", ForeignKey("article.id"), index=True),
    # Why the file gave no article, where it gave none.
    Column("reason", Text),
    # The local pictures that the article shows: a changed one makes the file read again.
    Column("media", JSON, nullable=False),
    sqlite_with_rowid=False,
)

# What is in quarantine is shown after every turn, and is little.
Index(
    "ix_source_file_quarantined",
    source_file.c.path,
    sqlite_where=source_file.c.reason.is_not(None),
)

source_state = Table(
    "source_state",
    metadata,
    Column("source", Text, primary_key=True),
    # Under which settings and reader version the files were read: others mean reading again.
    Column("fingerprint", Text, nullable=False),
    sqlite_with_rowid=False,
)
