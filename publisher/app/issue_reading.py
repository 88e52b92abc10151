"""Issues with their numbers, page by page or one, for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.app.issues import require_issue
from publisher.app.status import IssueStatus
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.states import summarise_counts
from publisher.issues import digests, store
from publisher.issues.listing import IssueFilter, list_issues
from publisher.issues.model import IssueState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from publisher.app.editing_state import EditingState
    from publisher.issues.model import Issue

# What callers import, with the values of other packages that they get.
__all__ = ["IssueFilter", "IssueState", "ReadIssue", "list_issue_page", "read_issue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadIssue:
    """An issue with its numbers. Subject and preheader are None until it is assembled."""

    status: IssueStatus
    subject: str | None = None
    preheader: str | None = None
    digest_hash: str | None = None

    @property
    def deliveries(self) -> Mapping[str, int]:
        """The deliveries by state, as reports count them."""
        return summarise_counts(self.status.deliveries)


def list_issue_page(
    state: EditingState, wanted: IssueFilter, limit: int
) -> tuple[list[IssueStatus], bool]:
    """Return issues, the latest first, and whether there are further ones."""
    with state.database.reading() as connection:
        found = list_issues(connection, wanted, limit + 1)
        return _with_numbers(connection, found[:limit]), len(found) > limit


def read_issue(state: EditingState, name: str) -> ReadIssue:
    """Return one issue; raise UsageError if there is none of that name."""
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        (status,) = _with_numbers(connection, [issue])
        if issue.id not in digests.warning_counts(connection, [issue.id]):
            return ReadIssue(status=status)
        digest = digests.digest_of(connection, issue)
        return ReadIssue(
            status=status,
            subject=digest.subject,
            preheader=digest.preheader,
            digest_hash=digest.sha256,
        )


def _with_numbers(connection: Connection, found: Sequence[Issue]) -> list[IssueStatus]:
    ids = [one.id for one in found]
    ledgers = count_deliveries(connection, ids)
    sizes = store.article_counts(connection, ids)
    warned = digests.warning_counts(connection, ids)
    return [
        IssueStatus(one, sizes.get(one.id, 0), Counter(ledgers[one.id]), warned.get(one.id, 0))
        for one in found
    ]
