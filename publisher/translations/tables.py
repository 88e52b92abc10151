"""Tables: claims, what translations were made from, old words of originals, what translators chose."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
)

from publisher.accounts.tables import account_table
from publisher.articles.tables import article, story
from publisher.database.dialect.sql import KEYED, partial_index
from publisher.database.metadata import UTCDateTime, metadata
from publisher.translations.model import ClaimState

_STATES = ", ".join(f"'{state}'" for state in ClaimState)

# Who promised or makes the translation of a story into a language, or gave it up. The translation
# itself ends the claim.
translation_claim = Table(
    "translation_claim",
    metadata,
    Column("story_id", ForeignKey(story.c.id), primary_key=True),
    Column("language", Text, primary_key=True),
    Column(
        "state", Text, CheckConstraint(f"state IN ({_STATES})", name="state"), nullable=False
    ),
    # As in the audit log: an account's address, or "terminal". It outlives the account.
    Column("by", Text, nullable=False),
    # By when it is promised; NULL if it is not said.
    Column("until", UTCDateTime),
    # Why it was given up.
    Column("reason", Text),
    Column("changed_at", UTCDateTime, nullable=False),
    info=KEYED,
)

# The words of the original from which a translation was made, as far as that is known.
translation_source = Table(
    "translation_source",
    metadata,
    Column("article_id", ForeignKey(article.c.id), primary_key=True),
    Column("original_id", ForeignKey(article.c.id), nullable=False),
    Column("words_hash", Text, nullable=False),
    # When it was picked up; NULL if it was there before this was noted.
    Column("made_at", UTCDateTime),
    # When the original last changed after that; NULL if it has not.
    Column("original_changed_at", UTCDateTime),
    # The words of the original about which somebody said that the translation need not follow them.
    Column("dismissed_hash", Text),
    info=KEYED,
)
Index(
    "ix_translation_source_changed",
    translation_source.c.article_id,
    **partial_index(translation_source.c.original_changed_at.is_not(None)),
)

# Words that an original had, kept while a translation of them stands.
former_words = Table(
    "former_words",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False),
    info=KEYED,
)

# What translators chose, and up to when they were told what came in. An account without a row has not
# been looked at yet.
translator = Table(
    "translator",
    metadata,
    Column("account_id", ForeignKey(account_table.c.id, ondelete="CASCADE"), primary_key=True),
    # NULL: as the roles say.
    Column("wants_mail", Boolean(create_constraint=False)),
    Column("told_until", UTCDateTime, nullable=False),
    info=KEYED,
)
