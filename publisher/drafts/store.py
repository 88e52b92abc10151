"""Drafts and their pictures in the database. The transaction belongs to the caller.

A draft is what somebody types into fields, each a text: `FIELDS`. It has what they were when it was begun, so that
only what was changed is written into the file. Each change raises its version; a change of an older one is refused.
What was done with a draft stands in the audit log, as of `draft <id>`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from publisher.database.dialect.sql import IDS_NEVER_REUSED, KEYED
from publisher.database.metadata import UTCDateTime, metadata
from publisher.errors import DraftConflictError, DraftGoneError

FIELDS = ("title", "summary", "byline", "date", "topics", "section", "translator", "text")

draft_table = sa.Table(
    "draft",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    # The key of the story that it translates; empty for an original.
    sa.Column("story", sa.Text, nullable=False),
    # The article's file below the source's folder, and its SHA-256 when it was read; empty for a new one.
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    # The fields now, and as they were in the file.
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("began", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    # Who wrote it, if that was a machine, and who has read it since; else empty.
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("read_by", sa.Text, nullable=False),
    # As in the audit log: an account's address, or "terminal". It outlives the account.
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("changed_at", UTCDateTime, nullable=False),
    info=IDS_NEVER_REUSED,
)
# As they were encoded again; `name` is that of the file.
draft_picture_table = sa.Table(
    "draft_picture",
    metadata,
    sa.Column("draft_id", sa.ForeignKey(draft_table.c.id), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("alt", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    info=KEYED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A draft; its columns are described at the table."""

    id: int = 0
    source: str
    language: str
    story: str = ""
    path: str = ""
    base: str = ""
    fields: Mapping[str, str]
    began: Mapping[str, str]
    version: int = 0
    by: str
    changed_at: datetime
    machine: str = ""
    read_by: str = ""

    @property
    def has_words(self) -> bool:
        return any(self.fields[name] for name in ("title", "summary", "text"))

    @property
    def is_unread(self) -> bool:
        """Whether a machine wrote it, and nobody has changed it since, or said that it was read."""
        return bool(self.machine) and not self.read_by


def insert_draft(connection: sa.Connection, draft: Draft) -> Draft:
    values = {name: value for name, value in asdict(draft).items() if name != "id"}
    statement = sa.insert(draft_table).values(values).returning(draft_table.c.id)
    return find_draft(connection, connection.execute(statement).scalar_one())


def find_draft(connection: sa.Connection, number: int) -> Draft:
    for draft in drafts_where(connection, draft_table.c.id == number):
        return draft
    raise DraftGoneError.saying("this draft is gone: it was published or discarded")


_LATEST_FIRST = (draft_table.c.changed_at.desc(), draft_table.c.id.desc())


def draft_lines(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Return all drafts in lines, those that were changed last first: their texts can have gigabytes."""
    title = draft_table.c.fields["title"].as_string().label("title")
    of_file = draft_table.c["version", "source", "path"]
    line = (*draft_table.c["id", "language", "story", "by", "changed_at"], *of_file)
    return [*connection.execute(sa.select(*line, title).order_by(*_LATEST_FIRST))]


def drafts_where(connection: sa.Connection, *where: sa.ColumnElement[bool]) -> list[Draft]:
    """Return drafts, those that were changed last first."""
    query = sa.select(draft_table).where(*where).order_by(*_LATEST_FIRST)
    rows = connection.execute(query).mappings()
    return [Draft(**{one.name: row[one.name] for one in fields(Draft)}) for row in rows]


def change_draft(
    connection: sa.Connection,
    draft: Draft,
    version: int,
    at: datetime,
    given: Mapping[str, str],
    **more: str,
) -> Draft:
    """Store other fields, and `more` columns. Raise DraftConflictError if the draft has another version than the one that was read."""
    here = (draft_table.c.id == draft.id, draft_table.c.version == version)
    values = {"fields": given, "version": version + 1, "changed_at": at, **more}
    if not connection.execute(sa.update(draft_table).where(*here).values(values)).rowcount:
        raise DraftConflictError("draft")
    return find_draft(connection, draft.id)


def delete_draft(connection: sa.Connection, draft: Draft) -> None:
    of_draft = draft_picture_table.c.draft_id == draft.id
    connection.execute(sa.delete(draft_picture_table).where(of_draft))
    connection.execute(sa.delete(draft_table).where(draft_table.c.id == draft.id))


def insert_draft_picture(
    connection: sa.Connection, draft: Draft, **values: str | bytes
) -> None:
    connection.execute(sa.insert(draft_picture_table).values(draft_id=draft.id, **values))


def pictures_of_draft(connection: sa.Connection, draft: Draft) -> list[sa.Row[Any]]:
    of = draft_picture_table.c
    query = sa.select(draft_picture_table).where(of.draft_id == draft.id)
    return [*connection.execute(query.order_by(of.name))]
