"""Sources have names, kinds and marks, items have keys, and script conversions their own tables.

A folder is named by its path, as before. The languages of conversions, their converter and the
stories that are due stood as text in the fingerprint of a source without a name.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the new tables, move the rows, and drop the old tables."""
    _create_sources()
    _create_conversions()
    op.execute(
        "INSERT INTO source (name, kind, fingerprint, mark)"
        " SELECT source, 'folder', fingerprint, '' FROM source_state WHERE source <> ''"
    )
    op.execute(
        "INSERT INTO source (name, kind, fingerprint, mark)"
        " SELECT DISTINCT source, 'folder', '', '' FROM source_file"
        " WHERE source NOT IN (SELECT name FROM source)"
    )
    op.execute(
        "INSERT INTO source_item (source, key, signature, sha256, article_id, reason, media)"
        " SELECT source, path, signature, sha256, article_id, reason, media FROM source_file"
    )
    _move_conversions()
    op.drop_table("source_file")
    op.drop_table("source_state")


def _create_sources() -> None:
    op.create_table(
        "source",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "kind")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("fingerprint", "mark")),
        sa.PrimaryKeyConstraint("name", name="pk_source"),
        sqlite_with_rowid=False,
    )
    texts = ("source", "key", "signature", "sha256")
    op.create_table(
        "source_item",
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("media", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"],
            ["source.name"],
            name="fk_source_item_source_source",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_source_item_article_id_article"
        ),
        sa.PrimaryKeyConstraint("source", "key", name="pk_source_item"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_source_item_article_id", "source_item", ["article_id"])
    op.create_index("ix_source_item_sha256", "source_item", ["sha256"])
    quarantined = sa.text("reason IS NOT NULL")
    op.create_index(
        "ix_source_item_quarantined",
        "source_item",
        ["key"],
        sqlite_where=quarantined,
        postgresql_where=quarantined,
    )


def _create_conversions() -> None:
    op.create_table(
        "script_conversion_language",
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("converter", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("language", name="pk_script_conversion_language"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "script_conversion_due",
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["story_id"], ["story.id"], name="fk_script_conversion_due_story_id_story"
        ),
        sa.PrimaryKeyConstraint("story_id", name="pk_script_conversion_due"),
        sqlite_with_rowid=False,
    )


def _move_conversions() -> None:
    """Move `LANGUAGE... by CONVERTER`, and in the next line the numbers of stories."""
    connection = op.get_bind()
    query = "SELECT fingerprint FROM source_state WHERE source = ''"
    rules, _, due = (connection.execute(sa.text(query)).scalar() or "").partition("\n")
    languages, _, converter = rules.partition(" by ")
    if not rules:
        # All stories were due. An empty converter is none that is in use.
        query = "SELECT DISTINCT language FROM article WHERE origin = 'converted'"
        languages = " ".join(connection.scalars(sa.text(query)))
    for language in languages.split():
        connection.execute(
            sa.text("INSERT INTO script_conversion_language VALUES (:language, :converter)"),
            {"language": language, "converter": converter},
        )
    for number in due.split():
        connection.execute(
            sa.text("INSERT INTO script_conversion_due VALUES (:number)"),
            {"number": int(number)},
        )
