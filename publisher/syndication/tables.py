"""The tables of feeds: feeds, entries, their positions in feeds, archive documents. Ids stay when a title, slug or host changes."""

import sqlalchemy as sa

from publisher.database.dialect.sql import KEYED, LargeInteger, partial_index
from publisher.database.metadata import UTCDateTime, metadata

feed = sa.Table(
    "feed",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # The path below feeds/, which never changes: "en", "all", "en/topics/harbour".
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),  # empty for the feed of all languages
    # The topic, the newsletter or the author's name: case-folded as a key, and as first seen. Of an author who stands
    # in people.toml the person's key and present name; such a feed is found by its `name`.
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("affiliation", sa.Text),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("updated_at", UTCDateTime),  # When its content last changed. It never goes back.
    sa.Column("due", sa.Boolean(create_constraint=False), nullable=False),
    # Hashes of the documents that hubs were last notified of, one for each format.
    sa.Column("announced", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "language", "label"),
    sa.CheckConstraint(
        "kind IN ('language', 'topic', 'author', 'all', 'issues', 'recordings')", name="kind"
    ),
)
sa.Index("ix_feed_due", feed.c.id, **partial_index(feed.c.due))

feed_entry = sa.Table(
    "feed_entry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("article_id", sa.ForeignKey("article.id"), nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("tag", sa.Text, nullable=False, unique=True),
    sa.Column("updated", LargeInteger, nullable=False),  # whole seconds since 1970
    # Of the content that `updated` belongs to.
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("withdrawn_at", UTCDateTime),
    sa.UniqueConstraint("article_id", "language"),
)

feed_position = sa.Table(
    "feed_position",
    metadata,
    sa.Column("feed_id", sa.ForeignKey("feed.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("entry_id", sa.ForeignKey("feed_entry.id"), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),  # `superseded` is not used
    sa.CheckConstraint("state IN ('present', 'superseded', 'withdrawn')", name="state"),
    info=KEYED,
)

# Withdrawn entries are few, and every run reads them.
sa.Index(
    "ix_feed_position_withdrawn",
    feed_position.c.feed_id,
    feed_position.c.position,
    **partial_index(feed_position.c.state == "withdrawn"),
)

feed_archive = sa.Table(
    "feed_archive",
    metadata,
    sa.Column("feed_id", sa.ForeignKey("feed.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    # The first position that it contains, and the last.
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    # Whether it has to be written again, since an entry was withdrawn or its files were lost.
    sa.Column("due", sa.Boolean(create_constraint=False), nullable=False),
    info=KEYED,
)
sa.Index(
    "ix_feed_archive_due",
    feed_archive.c.feed_id,
    feed_archive.c.number,
    **partial_index(feed_archive.c.due),
)
