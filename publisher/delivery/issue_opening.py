"""Open the ledgers of issues whose hour has come, each with its move to `sending`.

An issue waits until its page is on the web, because every mail links to it. One that comes to its
hour too late is skipped.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.delivery.ledger.local_times import spread_rows
from publisher.delivery.ledger.opening import open_ledger
from publisher.issues import pages as issue_pages
from publisher.issues import store as issues
from publisher.issues.model import EDITION_REMOVED, Issue, IssueReason, IssueState
from publisher.issues.planner import reason_if_late
from publisher.recurrence import Occurrence

log = structlog.get_logger()


def open_due_issues(connection: Connection, settings: Settings, now: datetime) -> None:
    """Insert the rows of issues that are ready and may be sent now."""
    pageless = issue_pages.issue_ids_without_page(connection)
    for issue in issues.issues_to_open(connection, now):
        edition = settings.edition(issue.newsletter, issue.language)
        if edition is None:
            _cancel_removed(connection, issue, now)
        elif late := _reason_if_late(edition, issue, now):
            key, reason = late
            issues.skip_issue(connection, issue, reason, key, now)
            log.warning("issue skipped", issue=issue.name, reason=reason)
        elif issue.id not in pageless:
            rows = open_ledger(connection, settings, issue, now)
            spread_rows(connection, issue, edition, now)
            issues.move_issue(connection, issue, IssueState.SENDING)
            log.info("sending", issue=issue.name, subscribers=rows)


def _cancel_removed(connection: Connection, issue: Issue, now: datetime) -> None:
    issues.move_issue(
        connection,
        issue,
        IssueState.CANCELLED,
        reason=EDITION_REMOVED,
        reason_key=IssueReason.EDITION_REMOVED,
        finished_at=now,
    )


def _reason_if_late(
    edition: Edition, issue: Issue, now: datetime
) -> tuple[IssueReason, str] | None:
    """Return why an issue is too late that was made before it was due."""
    if not edition.lead:
        return None  # the planner has decided
    due = edition.instant_of(Occurrence(issue.day, issue.due_at))
    return reason_if_late(edition, now - max(due, issue.send_at or due))
