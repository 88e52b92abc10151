"""Read and write frozen digests and their old revisions, and compare two of these."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from publisher.database.dialect.sql import upsert
from publisher.issues import store
from publisher.issues.edits import StoryPlace
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import digest_revision_table, digest_table

_FROZEN = ("subject", "preheader", "html", "text", "page", "sha256", "manifest")


def freeze_digest(connection: Connection, one: Issue, parts: Mapping[str, Any]) -> None:
    """Store a digest and the gate's warnings. A second digest replaces the first."""
    row = upsert(connection, digest_table).values(issue_id=one.id, **parts)
    connection.execute(row.on_conflict_do_update(index_elements=["issue_id"], set_=dict(parts)))


def digest_of(connection: Connection, one: Issue) -> Row[Any]:
    """Return an issue's frozen digest."""
    return connection.execute(
        select(digest_table).where(digest_table.c.issue_id == one.id)
    ).one()


def findings_of(connection: Connection, one: Issue) -> list[dict[str, Any]]:
    """Return what the gate found in an issue's frozen digest, as `gate.findings.finding_data` has it."""
    query = select(digest_table.c.findings).where(digest_table.c.issue_id == one.id)
    return connection.execute(query).scalar_one_or_none() or []


def warning_counts(connection: Connection, issues: Sequence[int]) -> dict[int, int]:
    """Return the number of the gate's warnings for each of some issues."""
    query = select(
        digest_table.c.issue_id, func.json_array_length(digest_table.c.findings)
    ).where(digest_table.c.issue_id.in_(issues))
    return {number: count for number, count in connection.execute(query)}  # noqa: C416  # a Row is no pair


def reopen_issue(connection: Connection, one: Issue, now: datetime) -> Issue:
    """Have an issue assembled again that is not being sent. What it contained is kept.

    Whoever assembles it just now finds that it has changed, and gives up.
    """
    if one.state is IssueState.ASSEMBLING:
        return store.touch_issue(connection, one)
    _keep_revision(connection, one, now)
    return store.move_issue(
        connection, one, IssueState.ASSEMBLING, revision=one.revision + 1, reason=None
    )


def _keep_revision(connection: Connection, one: Issue, now: datetime) -> None:
    query = select(digest_table).where(digest_table.c.issue_id == one.id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return
    values = {name: getattr(row, name) for name in _FROZEN}
    values |= {"articles": store.chosen_articles(connection, one), "at": now}
    kept = upsert(connection, digest_revision_table).values(
        issue_id=one.id, revision=one.revision, **values
    )
    connection.execute(
        kept.on_conflict_do_update(index_elements=["issue_id", "revision"], set_=values)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestRevision:
    """What an issue contained at a revision. `at` is when it was replaced, None for today's."""

    revision: int
    subject: str
    preheader: str
    html: str
    text: str
    page: str
    sha256: str
    manifest: str | None
    articles: tuple[StoryPlace, ...]
    at: datetime | None = None


def revisions_of(connection: Connection, one: Issue) -> list[DigestRevision]:
    """Return the revisions of an issue that were frozen, the latest first."""
    old = digest_revision_table
    query = select(old).where(old.c.issue_id == one.id).order_by(old.c.revision.desc())
    found = [
        _to_revision(row, row.revision, row.articles, row.at)
        for row in connection.execute(query)
    ]
    today = select(digest_table).where(digest_table.c.issue_id == one.id)
    row = connection.execute(today).one_or_none()
    # While it is assembled again, the digest is that of the last revision, which is kept already.
    if row is not None and one.state is not IssueState.ASSEMBLING:
        chosen = store.chosen_articles(connection, one)
        found.insert(0, _to_revision(row, one.revision, chosen, None))
    return found


def _to_revision(
    row: Any, revision: int, articles: Iterable[Iterable[int]], at: datetime | None
) -> DigestRevision:
    values = {name: getattr(row, name) for name in _FROZEN}
    places = tuple((story, article) for story, article in articles)
    return DigestRevision(**values, revision=revision, articles=places, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionDiff:
    """What changed between two revisions. `text` is that of the text part, as unified lines.

    `parts` says in words what differs of the manifests, if it is known; a change that no mail shows strikes approvals, too.
    """

    old: DigestRevision
    new: DigestRevision
    added: tuple[int, ...]
    removed: tuple[int, ...]
    is_moved: bool
    text: tuple[str, ...]
    parts: tuple[str, ...] = ()


def diff_revisions(old: DigestRevision, new: DigestRevision) -> RevisionDiff:
    """Compare two revisions. Pure. `added` and `removed` are articles by their ids."""
    before = [article for _story, article in old.articles]
    after = [article for _story, article in new.articles]
    lines = difflib.unified_diff(
        old.text.splitlines(),
        new.text.splitlines(),
        f"revision {old.revision}",
        f"revision {new.revision}",
        lineterm="",
    )
    return RevisionDiff(
        old=old,
        new=new,
        added=tuple(one for one in after if one not in before),
        removed=tuple(one for one in before if one not in after),
        is_moved=[one for one in before if one in after]
        != [one for one in after if one in before],
        text=tuple(lines),
    )
