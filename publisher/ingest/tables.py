"""The tables of sources, their items as last picked up, and the state of script conversions.

An item has a signature, so that unchanged items need not be read, and a hash of its content, so
that a touched item does not count as changed.
"""

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
)

from publisher.articles.tables import article, story
from publisher.database.dialect.sql import KEYED, partial_index
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

source_table = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    # The settings and parser version under which items were read; others mean reading them again.
    Column("fingerprint", Text, nullable=False),
    # The source's own note of what it has shown, returned to it at the next poll.
    Column("mark", Text, nullable=False),
    # The files that are no items: JSON with numbers by reason and group; empty if there are none.
    Column("left_out", Text, nullable=False, server_default=""),
    # When its first import was finished; NULL before that.
    Column("imported_at", UTCDateTime),
    info=KEYED,
)

source_item = Table(
    "source_item",
    metadata,
    Column("source", ForeignKey(source_table.c.name, onupdate="CASCADE"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("article_id", ForeignKey(article.c.id), index=True),
    # Why the item is in quarantine; NULL if it is not.
    Column("reason", SentenceText),
    # The keys of the files that the article shows: a change of one means reading the item again.
    Column("media", JSON, nullable=False),
    # Why the document is rightly no article; NULL if it is one, or in quarantine.
    Column("left_out", Text),
    # What it would be, if it is left out as a draft, or until a date; NULL if that is not known.
    Column("title", Text),
    Column("language", Text),
    # When the document means something else without a change: it expires, or is held until then.
    Column("read_again_at", UTCDateTime),
    info=KEYED,
)

# The quarantine is shown after every pick-up, and is small.
Index(
    "ix_source_item_quarantined",
    source_item.c.key,
    **partial_index(source_item.c.reason.is_not(None)),
)

# Sources that lost most of their articles. What is gone is withdrawn once that is accepted.
held_source = Table(
    "held_source",
    metadata,
    Column(
        "source",
        ForeignKey(source_table.c.name, onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("lost", Integer, nullable=False),
    Column("articles", Integer, nullable=False),
    # How many may be gone; 0 until somebody says so.
    Column("accepted", Integer, nullable=False, server_default="0"),
    # Of the first cycle that found them gone; NULL if an earlier version stored it.
    Column("since", UTCDateTime),
    info=KEYED,
)

# Sources that the last cycle could not read. They need not be stored otherwise.
source_failure = Table(
    "source_failure",
    metadata,
    Column("source", Text, primary_key=True),
    # Of the first cycle that could not.
    Column("since", UTCDateTime, nullable=False),
    Column("reason", SentenceText, nullable=False),
    info=KEYED,
)

# The documents of a site that are no articles by their names, and the addresses that they state. The
# row with an empty path has the patterns of the pages that the generator makes.
site_page = Table(
    "site_page",
    metadata,
    Column(
        "source",
        ForeignKey(source_table.c.name, onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("path", Text, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("addresses", JSON, nullable=False),
    info=KEYED,
)

# What was wrong with an item when it was last read, in the order of the file.
item_problem = Table(
    "item_problem",
    metadata,
    Column("source", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    # From 1, in the file; NULL if it is not known.
    Column("line", Integer),
    Column("what", SentenceText, nullable=False),
    # What it led to: `hold` or `report`.
    Column("action", Text, nullable=False),
    ForeignKeyConstraint(
        ["source", "key"],
        [source_item.c.source, source_item.c.key],
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    info=KEYED,
)

# The languages whose conversions are up to date, except for stories that are due, and by what.
script_conversion_language = Table(
    "script_conversion_language",
    metadata,
    Column("language", Text, primary_key=True),
    Column("converter", Text, nullable=False),
    info=KEYED,
)

# The stories that changed since conversions were last updated.
script_conversion_due = Table(
    "script_conversion_due",
    metadata,
    Column("story_id", ForeignKey(story.c.id), primary_key=True),
    info=KEYED,
)
