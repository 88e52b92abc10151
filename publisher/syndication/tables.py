"""The tables of feeds: feeds, entries, their positions in feeds, archive documents.

A feed is a sequence of positions. Ids are stored, so that they do not change with a title, a slug or
the host.
"""

from sqlalchemy import (
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
)

from publisher.database.dialect.sql import KEYED, LargeInteger, partial_index
from publisher.database.metadata import UTCDateTime, metadata

feed = Table(
    "feed",
    metadata,
    Column("id", Integer, primary_key=True),
    # The path below feeds/, which never changes: "en", "all", "en/topics/harbour".
    Column("name", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    # Empty for the feed of all languages.
    Column("language", Text, nullable=False),
    # The topic or the author's name: case-folded as a key, and as first seen. Of an author who stands
    # in people.toml the person's key and present name; such a feed is found by its `name`.
    Column("label", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("affiliation", Text),
    Column("tag", Text, nullable=False),
    # When its content last changed. It never goes back.
    Column("updated_at", UTCDateTime),
    # Whether it has to be written again.
    Column("due", Boolean(create_constraint=False), nullable=False),
    # Hashes of the documents that hubs were last notified of, one for each format.
    Column("announced", Text, nullable=False),
    UniqueConstraint("kind", "language", "label"),
    CheckConstraint("kind IN ('language', 'topic', 'author', 'all')", name="kind"),
)
Index("ix_feed_due", feed.c.id, **partial_index(feed.c.due))

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("article_id", ForeignKey("article.id"), nullable=False),
    Column("language", Text, nullable=False),
    Column("tag", Text, nullable=False, unique=True),
    # Whole seconds since 1970.
    Column("updated", LargeInteger, nullable=False),
    # Of the content that `updated` belongs to.
    Column("fingerprint", Text, nullable=False),
    Column("withdrawn_at", UTCDateTime),
    # Of what entries of other languages show of this one; NULL if that is not known.
    Column("link_hash", Text),
    UniqueConstraint("article_id", "language"),
)

feed_position = Table(
    "feed_position",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("entry_id", ForeignKey("feed_entry.id"), nullable=False, index=True),
    # `superseded` is not used.
    Column("state", Text, nullable=False),
    CheckConstraint("state IN ('present', 'superseded', 'withdrawn')", name="state"),
    info=KEYED,
)

# Withdrawn entries are few, and every run reads them.
Index(
    "ix_feed_position_withdrawn",
    feed_position.c.feed_id,
    feed_position.c.position,
    **partial_index(feed_position.c.state == "withdrawn"),
)

feed_archive = Table(
    "feed_archive",
    metadata,
    Column("feed_id", ForeignKey("feed.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    # The positions that it contains, inclusive.
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    # Whether it has to be written again, since an entry was withdrawn or its files were lost.
    Column("due", Boolean(create_constraint=False), nullable=False),
    info=KEYED,
)
Index(
    "ix_feed_archive_due",
    feed_archive.c.feed_id,
    feed_archive.c.number,
    **partial_index(feed_archive.c.due),
)

# Of access logs: aggregates only, no address and no User-Agent. See `followers`.
feed_follower_day = Table(
    "feed_follower_day",
    metadata,
    # The name of a feed, which never changes.
    Column("feed", Text, primary_key=True),
    # In UTC.
    Column("day", Date, primary_key=True),
    # Subscribers that aggregators state in their User-Agents, and other clients.
    Column("stated", Integer, nullable=False),
    Column("clients", Integer, nullable=False),
    info=KEYED,
)
