"""The tables of stories and their articles."""

import sqlalchemy as sa

from publisher.database.dialect.sql import KEYED, partial_index
from publisher.database.metadata import UTCDateTime, metadata

story = sa.Table(
    "story",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
)

article = sa.Table(
    "article",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("story_id", sa.ForeignKey("story.id"), nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    # The status in the document; `status` differs if the article is a copy of another.
    sa.Column("declared", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    # With resolved links; `linked_html` has them as the document means them, NULL if it has none.
    sa.Column("html", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("bylines", sa.JSON, nullable=False),
    sa.Column("translators", sa.JSON, nullable=False),
    sa.Column("section", sa.Text),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("picture", sa.JSON(none_as_null=True)),
    sa.Column("url", sa.Text),
    sa.Column("offered", sa.JSON, nullable=False),
    sa.Column("published_on", sa.Date, nullable=False),
    sa.Column("published_at", UTCDateTime, nullable=False),
    sa.Column("available_at", UTCDateTime, nullable=False),
    sa.Column("updated_at", UTCDateTime, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    # A `model.Mailing`. What was in a source at its first import is an archive.
    sa.Column("mailing", sa.Text, nullable=False, server_default="news"),
    # For a conversion: the content hash of its original, and the converter.
    sa.Column("converted_from", sa.Text),
    # The content that the article's page was last written from; NULL if it must be written.
    sa.Column("page_hash", sa.Text),
    sa.Column("attachments", sa.JSON, nullable=False, server_default="[]"),
    # Who made the text, if the document says so: an `articles.model.Provenance`.
    sa.Column("provenance", sa.Text),
    sa.Column("translated_with", sa.Text),
    sa.Column("editor", sa.Text),
    # The content that its feed entries were last made from; NULL if they must be updated.
    sa.Column("feed_hash", sa.Text),
    sa.Column("linked_html", sa.Text),
    # The page that the document names as the first of several copies.
    sa.Column("canonical_url", sa.Text),
    sa.UniqueConstraint("story_id", "language"),
)
sa.Index("ix_article_language_published", *article.c["language", "status", "published_at"])
sa.Index("ix_article_language_available", *article.c["language", "status", "available_at"])
# Few articles lack their page at any time; the indexes contain only those.
sa.Index("ix_article_page_due", article.c.id, **partial_index(article.c.page_hash.is_(None)))
sa.Index("ix_article_feed_due", article.c.id, **partial_index(article.c.feed_hash.is_(None)))

# Set these on an article when anything visible of it changes: page and feeds are written again.
NEEDS_PUBLISHING = {"page_hash": None, "feed_hash": None}

# What pages and feeds of the other languages of a story show of an article, or depend on.
SHOWN_BY_TRANSLATIONS = (
    *("story_id", "language", "title", "url"),
    *("published_on", "available_at", "status", "origin"),
)

article_link = sa.Table(
    "article_link",
    metadata,
    sa.Column("article_id", sa.ForeignKey(article.c.id), primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),  # the address in `linked_html`
    # The address in the document, and its line there.
    sa.Column("written", sa.Text, nullable=False),
    sa.Column("line", sa.Integer),
    # Where the site stands that the document is from; empty if unknown.
    sa.Column("site_url", sa.Text, nullable=False),
    # The article that the link means, in any language; NULL if none was picked up.
    sa.Column("means", sa.Integer),
    # The address that stands in `html`, NULL if the link is only its text; and the language of the
    # page, if it is not the article's.
    sa.Column("href", sa.Text),
    sa.Column("language", sa.Text),
    # Why the file is not copied that the link names; NULL if it names none.
    sa.Column("left_out", sa.Text),
    sa.Column("problem", sa.Text),  # the kind of problem that the link has; NULL if it has none
    info=KEYED,
)

# The files that an article links to, and where they stood on their own site.
article_file = sa.Table(
    "article_file",
    metadata,
    sa.Column("article_id", sa.ForeignKey(article.c.id), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    # The copy below the web root, with the hash of the content in its name.
    sa.Column("target", sa.Text, nullable=False),
    # Where a copy shall stand below the web root, too; NULL for nowhere.
    sa.Column("place", sa.Text),
    info=KEYED,
)

placed_file = sa.Table(
    "placed_file",
    metadata,
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    info=KEYED,
)

# The paths at which the pages of articles stood on their own site; once known, they stay.
article_address = sa.Table(
    "article_address",
    metadata,
    sa.Column("article_id", sa.ForeignKey(article.c.id), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    # Whether the document states it today.
    sa.Column("is_current", sa.Boolean(create_constraint=False), nullable=False),
    # The URL to which the page at that path shall lead, NULL for no page; and what stands there.
    sa.Column("leads_to", sa.Text),
    sa.Column("written", sa.Text),
    info=KEYED,
)
