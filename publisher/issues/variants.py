"""Read and write an issue's variants: what some of its audience get instead of its digest.

A variant is an ordered list of articles and a length. It is made when the ledger is opened, and
rendered after that; then it never changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from publisher.issues.model import Issue
from publisher.issues.tables import issue_variant_article_table, issue_variant_table

# Before the key of a variant that is sent instead of another one.
REPLACEMENT = "instead-"


@dataclass(frozen=True, slots=True)
class IssueVariant:
    """A variant that is not rendered yet; `length` None is the newsletter's."""

    id: int
    issue_id: int
    length: str | None
    more: int


def find_or_add_variant(
    connection: Connection,
    issue: Issue,
    chosen: Sequence[tuple[int, int]],
    *,
    length: str | None,
    more: int,
) -> int:
    """Return the id of the variant with these articles: pairs of story and article ids, in order."""
    key = _hashed(f"{length} {more}", chosen)
    return _find_or_add(connection, issue, key, chosen, length=length, more=more)


def add_replacement(
    connection: Connection, issue: Issue, source: int | None, left: Sequence[tuple[int, int]]
) -> int:
    """Return the id of what is sent instead of a variant, None for the digest, with what is left."""
    length, more = None, issue.more
    if source is not None:
        columns = issue_variant_table.c["length", "more"]
        query = select(*columns).where(issue_variant_table.c.id == source)
        length, more = connection.execute(query).one()
    key = f"{REPLACEMENT}{_hashed(str(source), left)}"
    return _find_or_add(connection, issue, key, left, length=length, more=more)


def _hashed(start: str, chosen: Sequence[tuple[int, int]]) -> str:
    articles = " ".join(str(article) for _story, article in chosen)
    return hashlib.sha256(f"{start} {articles}".encode()).hexdigest()


def _find_or_add(  # the columns of a row
    connection: Connection,
    issue: Issue,
    key: str,
    chosen: Sequence[tuple[int, int]],
    *,
    length: str | None,
    more: int,
) -> int:
    here = (issue_variant_table.c.issue_id == issue.id) & (issue_variant_table.c.key == key)
    known = connection.execute(select(issue_variant_table.c.id).where(here)).scalar()
    if known is not None:
        return int(known)
    row = insert(issue_variant_table).values(
        issue_id=issue.id, key=key, length=length, more=more
    )
    number = int(connection.execute(row.returning(issue_variant_table.c.id)).scalar_one())
    rows = [
        {"variant_id": number, "position": position, "story_id": story, "article_id": article}
        for position, (story, article) in enumerate(chosen)
    ]
    if rows:
        connection.execute(insert(issue_variant_article_table), rows)
    return number


def article_ids_of_variant(connection: Connection, variant: IssueVariant) -> list[int]:
    """Return the ids of a variant's articles, in order."""
    query = select(issue_variant_article_table.c.article_id).where(
        issue_variant_article_table.c.variant_id == variant.id
    )
    ordered = query.order_by(issue_variant_article_table.c.position)
    return list(connection.execute(ordered).scalars())


def freeze_variant(
    connection: Connection, variant: IssueVariant, parts: Mapping[str, Any]
) -> bool:
    """Store what a variant's mails contain. Return False if it was stored before: that stays."""
    row = update(issue_variant_table).where(
        issue_variant_table.c.id == variant.id, issue_variant_table.c.sha256.is_(None)
    )
    return connection.execute(row.values(**parts)).rowcount == 1


def variant_digest(connection: Connection, number: int) -> Row[Any]:
    """Return the frozen digest of a variant that is rendered."""
    query = select(issue_variant_table).where(
        issue_variant_table.c.id == number, issue_variant_table.c.sha256.is_not(None)
    )
    return connection.execute(query).one()
