"""The tables of stories and their articles."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from publisher.database.dialect.sql import KEYED, partial_index
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
    # The status in the document; `status` differs if the article is a copy of another.
    Column("declared", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("summary", Text, nullable=False),
    # With resolved links; `linked_html` has them as the document means them, NULL if it has none.
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
    # A `model.Mailing`. What was in a source at its first import is an archive.
    Column("mailing", Text, nullable=False, server_default="news"),
    # For a conversion: the content hash of its original, and the converter.
    Column("converted_from", Text),
    # The content that the article's page was last written from; NULL if it must be written.
    Column("page_hash", Text),
    Column("attachments", JSON, nullable=False, server_default="[]"),
    # Who made the text, if the document says so: an `articles.model.Provenance`.
    Column("provenance", Text),
    Column("translated_with", Text),
    Column("editor", Text),
    # The content that its feed entries were last made from; NULL if they must be updated.
    Column("feed_hash", Text),
    Column("linked_html", Text),
    # The page that the document names as the first of several copies.
    Column("canonical_url", Text),
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
# Few articles lack their page at any time; the indexes contain only those.
Index("ix_article_page_due", article.c.id, **partial_index(article.c.page_hash.is_(None)))
Index("ix_article_feed_due", article.c.id, **partial_index(article.c.feed_hash.is_(None)))

# Set these on an article when anything visible of it changes: page and feeds are written again.
NEEDS_PUBLISHING = {"page_hash": None, "feed_hash": None}

# What pages and feeds of the other languages of a story show of an article, or depend on.
SHOWN_BY_TRANSLATIONS = (
    *("story_id", "language", "title", "url"),
    *("published_on", "available_at", "status", "origin"),
)

# The links of an article to other documents, and where they lead.
article_link = Table(
    "article_link",
    metadata,
    Column("article_id", ForeignKey(article.c.id), primary_key=True),
    # The address in `linked_html`.
    Column("target", Text, primary_key=True),
    # The address in the document, and its line there.
    Column("written", Text, nullable=False),
    Column("line", Integer),
    # Where the site stands that the document is from; empty if unknown.
    Column("site_url", Text, nullable=False),
    # The article that the link means, in any language; NULL if none was picked up.
    Column("means", Integer),
    # The address that stands in `html`, NULL if the link is only its text; and the language of the
    # page, if it is not the article's.
    Column("href", Text),
    Column("language", Text),
    # Why the file is not copied that the link names; NULL if it names none.
    Column("left_out", Text),
    # The kind of the problem that the link has; NULL if it has none.
    Column("problem", Text),
    info=KEYED,
)

# The files that an article links to, and where they stood on their own site.
article_file = Table(
    "article_file",
    metadata,
    Column("article_id", ForeignKey(article.c.id), primary_key=True),
    Column("path", Text, primary_key=True),
    # The copy below the web root, with the hash of the content in its name.
    Column("target", Text, nullable=False),
    # Where a copy shall stand below the web root, too; NULL for nowhere.
    Column("place", Text),
    info=KEYED,
)

# The paths at which a copy of such a file stands today.
placed_file = Table(
    "placed_file",
    metadata,
    Column("path", Text, primary_key=True),
    Column("target", Text, nullable=False),
    info=KEYED,
)

# The paths at which the pages of articles stood on their own site; once known, they stay.
article_address = Table(
    "article_address",
    metadata,
    Column("article_id", ForeignKey(article.c.id), primary_key=True),
    Column("path", Text, primary_key=True),
    # Whether the document states it today.
    Column("is_current", Boolean(create_constraint=False), nullable=False),
    # The URL to which the page at that path shall lead, NULL for no page; and what stands there.
    Column("leads_to", Text),
    Column("written", Text),
    info=KEYED,
)
