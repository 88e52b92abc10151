"""Corrections of issues that were sent: on their page alone, or by an issue of their own.

An issue that corrects another one has its newsletter, language and day, and a serial number. It has no
articles. It goes to those who got the error (`delivery.ledger.correction_audience`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from publisher.issues.model import Issue, IssueKind, IssueState
from publisher.issues.store import issues_by_ids
from publisher.issues.tables import correction_table, issue_table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCorrection:
    """What an editor says about an error. `html` is clean; `actor` an account's address, or "terminal"."""

    subject: str
    markdown: str
    html: str
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(NewCorrection):
    """A stored correction of the issue `first_id`. Without `issue_id` it is not mailed."""

    id: int
    first_id: int
    issue_id: int | None


def add_page_correction(connection: Connection, first: Issue, new: NewCorrection) -> None:
    """Store a correction that only the page of an issue shows."""
    _insert(connection, first, new, None)


def add_correction_issue(
    connection: Connection, first: Issue, new: NewCorrection, send_at: datetime
) -> Issue:
    """Add an issue that corrects another one, to be assembled now and sent from `send_at` on."""
    same = [issue_table.c[name] == getattr(first, name) for name in _SERIES]
    last = connection.execute(select(func.max(issue_table.c.serial)).where(*same)).scalar_one()
    values = {name: getattr(first, name) for name in _SERIES} | {
        "kind": IssueKind.CORRECTION,
        "serial": last + 1,
        "corrects_id": first.id,
        "due_at": send_at,
        "send_at": send_at,
        "assembled_at": new.created_at,
        "state": IssueState.ASSEMBLING,
    }
    done = connection.execute(insert(issue_table).values(values))
    assert done.inserted_primary_key is not None  # noqa: S101  # every database returns it
    number = int(done.inserted_primary_key[0])
    _insert(connection, first, new, number)
    return issues_by_ids(connection, [number])[0]


_SERIES = ("newsletter", "language", "day")


def _insert(
    connection: Connection, first: Issue, new: NewCorrection, issue_id: int | None
) -> None:
    values = asdict(new) | {"first_id": first.id, "issue_id": issue_id}
    connection.execute(insert(correction_table).values(values))


def correction_by(connection: Connection, one: Issue) -> tuple[Correction, Issue]:
    """Return what a correcting issue says, and the issue with the error."""
    query = select(correction_table).where(correction_table.c.issue_id == one.id)
    found = Correction(**connection.execute(query).mappings().one())
    return found, issues_by_ids(connection, [found.first_id])[0]


def corrections_of(
    connection: Connection, first: Issue
) -> list[tuple[Correction, Issue | None]]:
    """Return the corrections of an issue, each with the issue that mails it, the oldest first."""
    query = select(correction_table).where(correction_table.c.first_id == first.id)
    found = [
        Correction(**row)
        for row in connection.execute(query.order_by(correction_table.c.id)).mappings()
    ]
    numbers = [one.issue_id for one in found if one.issue_id is not None]
    issues = {one.id: one for one in issues_by_ids(connection, numbers)}
    return [(one, issues.get(one.issue_id or 0)) for one in found]


def has_written_page(connection: Connection, one: Issue) -> bool:
    """Return whether the page of a correcting issue is on disk."""
    query = select(issue_table.c.page_hash).where(issue_table.c.id == one.id)
    return connection.execute(query).scalar_one() is not None
