"""The tables of sources on the web: when each is asked again, and the entries that it has shown.

Both are keyed by the source's name in publication.toml. Entries are never deleted: an entry that comes back is not news.
"""

import sqlalchemy as sa

from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

polled_source = sa.Table(
    "polled_source",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    # As the settings have it: another one there begins anew.
    sa.Column("configured_url", sa.Text, nullable=False),
    # The fields of publisher.polling.schedule.PollState, as JSON.
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("next_at", UTCDateTime, nullable=False),
    # The first poll that was read; what it brought is an archive. NULL before that.
    sa.Column("first_read_at", UTCDateTime),
    sa.Column("last_read_at", UTCDateTime),
    # What came of the last poll, in the words of `PollResult`, and a sentence for people.
    sa.Column("result", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", SentenceText, nullable=False, server_default=""),
    # A person has paused it.
    sa.Column("is_paused", sa.Boolean, nullable=False, server_default=sa.false()),
    info=KEYED,
)

polled_entry = sa.Table(
    "polled_entry",
    metadata,
    sa.Column(
        "source",
        sa.ForeignKey(polled_source.c.name, onupdate="CASCADE", ondelete="CASCADE"),
        primary_key=True,
    ),
    # Given once: what the entry was first called. It stays whatever the source calls it later.
    sa.Column("key", sa.Text, primary_key=True),
    # By which it is recognised (publisher.polling.identity.EntryMarks).
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    # Of what it says, dates apart. `edits` counts its changes.
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("edits", sa.Integer, nullable=False, server_default="0"),
    sa.Column("entry", sa.JSON, nullable=False),  # a publisher.polling.model.WebEntry
    # Entries with the same are one story in several languages.
    sa.Column("story", sa.Text, nullable=False),
    sa.Column("first_seen_at", UTCDateTime, nullable=False),
    # From when it, or its last change, is picked up.
    sa.Column("ready_at", UTCDateTime, nullable=False),
    # It was there at the first poll, so no issue carries it.
    sa.Column("is_archive", sa.Boolean, nullable=False),
    # The source has deleted it.
    sa.Column("is_withdrawn", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("ix_polled_entry_ready_at", "source", "ready_at"),
    sa.Index("ix_polled_entry_link", "link"),
    info=KEYED,
)
