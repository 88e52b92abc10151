"""Tables: claims, what translations were made from, old words of originals, what translators were told."""

import sqlalchemy as sa

from publisher.accounts.tables import account_table
from publisher.articles.tables import article, story
from publisher.database.dialect.sql import KEYED, partial_index
from publisher.database.metadata import UTCDateTime, metadata
from publisher.translations.model import ClaimState

_STATES = ", ".join(f"'{state}'" for state in ClaimState)

# Who promised or makes the translation of a story into a language, or gave it up. The translation
# itself ends the claim.
translation_claim = sa.Table(
    "translation_claim",
    metadata,
    sa.Column("story_id", sa.ForeignKey(story.c.id), primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column(
        "state",
        sa.Text,
        sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
        nullable=False,
    ),
    # As in the audit log: an account's address, or "terminal". It outlives the account.
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("until", UTCDateTime),  # by when it is promised; NULL if it is not said
    sa.Column("reason", sa.Text),  # why it was given up
    sa.Column("changed_at", UTCDateTime, nullable=False),
    info=KEYED,
)

# The words of the original from which a translation was made, as far as that is known.
translation_source = sa.Table(
    "translation_source",
    metadata,
    sa.Column("article_id", sa.ForeignKey(article.c.id), primary_key=True),
    sa.Column("original_id", sa.ForeignKey(article.c.id), nullable=False),
    sa.Column("words_hash", sa.Text, nullable=False),
    # When it was picked up; NULL if it was there before this was noted.
    sa.Column("made_at", UTCDateTime),
    # When the original last changed after that; NULL if it has not.
    sa.Column("original_changed_at", UTCDateTime),
    # The words of the original about which somebody said that the translation need not follow them.
    sa.Column("dismissed_hash", sa.Text),
    info=KEYED,
)
sa.Index(
    "ix_translation_source_changed",
    translation_source.c.article_id,
    **partial_index(translation_source.c.original_changed_at.is_not(None)),
)

# Words that an original had, kept while a translation of them stands.
former_words = sa.Table(
    "former_words",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    info=KEYED,
)

# Up to when accounts were told what came in to be translated. One without a row has not been looked at yet.
translator = sa.Table(
    "translator",
    metadata,
    sa.Column(
        "account_id", sa.ForeignKey(account_table.c.id, ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("told_until", UTCDateTime, nullable=False),
    info=KEYED,
)
