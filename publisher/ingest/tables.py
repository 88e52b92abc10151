"""The tables of sources, their items as last picked up, and the state of script conversions.

An item has a signature, so that unchanged items need not be read, and a hash of its content, so
that a touched item does not count as changed.
"""

import sqlalchemy as sa

from publisher.articles.tables import article, story
from publisher.database.dialect.sql import KEYED, partial_index
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

source_table = sa.Table(
    "source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    # The settings and parser version under which items were read; others mean reading them again.
    sa.Column("fingerprint", sa.Text, nullable=False),
    # The source's own note of what it has shown, returned to it at the next poll.
    sa.Column("mark", sa.Text, nullable=False),
    # The files that are no items: JSON with numbers by reason and group; empty if there are none.
    sa.Column("left_out", sa.Text, nullable=False, server_default=""),
    sa.Column("imported_at", UTCDateTime),  # when its first import was finished; NULL before
    info=KEYED,
)

source_item = sa.Table(
    "source_item",
    metadata,
    sa.Column(
        "source", sa.ForeignKey(source_table.c.name, onupdate="CASCADE"), primary_key=True
    ),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False, index=True),
    sa.Column("article_id", sa.ForeignKey(article.c.id), index=True),
    sa.Column("reason", SentenceText),  # why the item is in quarantine; NULL if it is not
    # The keys of the files that the article shows: a change of one means reading the item again.
    sa.Column("media", sa.JSON, nullable=False),
    # Why the document is rightly no article; NULL if it is one, or in quarantine.
    sa.Column("left_out", sa.Text),
    # What it would be, if it is left out as a draft, or until a date; NULL if that is not known.
    sa.Column("title", sa.Text),
    sa.Column("language", sa.Text),
    # When the document means something else without a change: it expires, or is held until then.
    sa.Column("read_again_at", UTCDateTime),
    info=KEYED,
)

# The quarantine is shown after every pick-up, and is small.
sa.Index(
    "ix_source_item_quarantined",
    source_item.c.key,
    **partial_index(source_item.c.reason.is_not(None)),
)

# Sources that lost most of their articles. What is gone is withdrawn once that is accepted.
held_source = sa.Table(
    "held_source",
    metadata,
    sa.Column(
        "source",
        sa.ForeignKey(source_table.c.name, onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("articles", sa.Integer, nullable=False),
    # How many may be gone; 0 until somebody says so.
    sa.Column("accepted", sa.Integer, nullable=False, server_default="0"),
    # Of the first cycle that found them gone; NULL if an earlier version stored it.
    sa.Column("since", UTCDateTime),
    info=KEYED,
)

# Sources that the last cycle could not read. They need not be stored otherwise.
source_failure = sa.Table(
    "source_failure",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("since", UTCDateTime, nullable=False),  # of the first cycle that could not
    sa.Column("reason", SentenceText, nullable=False),
    info=KEYED,
)

# Sources that fail, of which people were told.
reported_source = sa.Table(
    "reported_source", metadata, sa.Column("source", sa.Text, primary_key=True), info=KEYED
)

# The documents of a site that are no articles by their names, and the addresses that they state. The
# row with an empty path has the patterns of the pages that the generator makes.
site_page = sa.Table(
    "site_page",
    metadata,
    sa.Column(
        "source",
        sa.ForeignKey(source_table.c.name, onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("addresses", sa.JSON, nullable=False),
    info=KEYED,
)

# What was wrong with an item when it was last read, in the order of the file.
item_problem = sa.Table(
    "item_problem",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("line", sa.Integer),  # from 1, in the file; NULL if it is not known
    sa.Column("what", SentenceText, nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # what it led to: `hold` or `report`
    sa.ForeignKeyConstraint(
        ["source", "key"],
        [source_item.c.source, source_item.c.key],
        onupdate="CASCADE",
        ondelete="CASCADE",
    ),
    info=KEYED,
)

# The languages whose conversions are up to date, except for stories that are due, and by what.
script_conversion_language = sa.Table(
    "script_conversion_language",
    metadata,
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column("converter", sa.Text, nullable=False),
    info=KEYED,
)

# The stories that changed since conversions were last updated.
script_conversion_due = sa.Table(
    "script_conversion_due",
    metadata,
    sa.Column("story_id", sa.ForeignKey(story.c.id), primary_key=True),
    info=KEYED,
)
