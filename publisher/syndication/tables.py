"""The tables of feeds: which there are, who is in them and since when, what is closed.

A feed is a sequence of places; an entry that is revised after its place was closed takes a new
one. Identities are minted once and stored, so that nothing that may change later (a title, a
slug, the host) can change them. Knows nothing of formats and files.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from publisher.database.metadata import UTCDateTime, metadata

feed = Table(
    "feed",
    metadata,
    Column("id", Integer, primary_key=True),
    # Its path below feeds/, and so its address for ever: "en", "all", "en/topics/harbour".
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    # Empty for the feed of all languages.
    Column("language", Text, nullable=False),
    # The topic, or the author's name: case-folded to be found by, and as it was first seen.
    Column("label", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("affiliation", Text),
    Column("tag", Text, nullable=False),
    # When its content last changed; the documents never say anything earlier again.
    Column("updated_at", UTCDateTime),
    # To be written again.
    Column("due", Boolean(create_constraint=False), nullable=False),
    # Hashes of the documents that hubs were told of last, one for each format.
    Column("told", Text, nullable=False),
    UniqueConstraint("kind", "language", "label"),
    CheckConstraint("kind IN ('language', 'topic', 'author', 'all')", name="kind"),
)
Index("ix_feed_due", feed.c.id, sqlite_where=text("due = 1"))

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("language", Text, nullable=False),
    Column("tag", Text, nullable=False, unique=True),
    # Whole seconds since 1970.
    Column("updated", Integer, nullable=False),
    # Of the content that `updated` speaks of.
    Column("stamp", Text, nullable=False),
    Column("gone_at", UTCDateTime),
    UniqueConstraint("article_id", "language"),
)

feed_position = Table(
    "feed_place",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("entry_id", ForeignKey("feed_entry.id"), nullable=False, index=True),
    # `revised`: a later place has its newer text. `gone`: it was withdrawn while it stood here.
    Column("standing", Text, nullable=False),
    CheckConstraint("standing IN ('here', 'revised', 'gone')", name="standing"),
    sqlite_with_rowid=False,
)

# What was withdrawn is named in every turn, and is little.
Index(
    "ix_feed_place_gone",
    feed_position.c.feed_id,
    feed_position.c.position,
    sqlite_where=text("standing = 'gone'"),
)

feed_archive = Table(
    "feed_archive",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    # To be written again, because an entry left it or its files were lost.
    Column("due", Boolean(create_constraint=False), nullable=False),
    sqlite_with_rowid=False,
)
Index(
    "ix_feed_archive_due",
    feed_archive.c.feed_id,
    feed_archive.c.number,
    sqlite_where=text("due = 1"),
)

websub_ping = Table(
    "feed_ping",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("told_at", UTCDateTime),
    # What the hub, or the way to it, answered last.
    Column("answer", Text),
    CheckConstraint("state IN ('pending', 'told', 'failed')", name="state"),
    sqlite_with_rowid=False,
)
Index("ix_feed_ping_due", websub_ping.c.due_at, sqlite_where=text("state = 'pending'"))
