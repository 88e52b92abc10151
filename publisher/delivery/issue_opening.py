"""Open the ledgers of issues whose hour has come, each with its move to `sending`.

An issue waits until its page is on the web, because every mail links to it. One that comes to its
hour too late is skipped.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.delivery.approved_audience import ask_again, moved_approvals
from publisher.delivery.ledger.local_times import spread_rows
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.lineage.recovered_rows import apply_recovered
from publisher.fault_isolation import Report, isolated, unreported
from publisher.issues import pages as issue_pages
from publisher.issues import store as issues
from publisher.issues.approvals import approvals_that_count, stored_manifest
from publisher.issues.digests import digest_of
from publisher.issues.lateness import lateness_of, reason_if_late
from publisher.issues.manifest import changed_parts, make_manifest, read_manifest
from publisher.issues.model import EDITION_REMOVED, Issue, IssueReason, IssueState
from publisher.issues.occurrence_changes import changes_of, read_changes
from publisher.issues.schedule_changes import follow_schedule, was_made_ahead
from publisher.messages import message

log = structlog.get_logger()


def open_due_issues(
    connection: Connection,
    settings: Settings,
    now: datetime,
    report: Report = unreported,
    *,
    cancels_removed: bool = True,
) -> int:
    """Insert the rows of issues that are ready and may be sent now. Return how many issues.

    Those of an edition that the settings don't have are cancelled, or left alone. `report` gets why an
    issue stays closed for an error; the next run tries it again.
    """
    opened = 0
    pageless = issue_pages.issue_ids_without_page(connection)
    for issue in issues.issues_to_open(connection, now):
        edition = settings.edition(issue.newsletter, issue.language)
        with isolated(issue.name, report, connection):
            if edition is not None:
                is_pageless = issue.id in pageless
                opened += _open(
                    connection, settings, edition, issue, now, is_pageless=is_pageless
                )
            elif cancels_removed:
                _cancel_removed(connection, issue, now)
    return opened


def _open(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    now: datetime,
    *,
    is_pageless: bool,
) -> bool:
    """Insert an issue's rows if it may be sent; return whether it may."""
    if late := _reason_if_late(edition, issue, now):
        key, reason = late
        issues.give_up_issue(connection, issue, reason, key, now)
        log.warning("issue skipped", issue=issue.name, reason=reason)
    elif _is_elsewhere(connection, edition, issue, now):
        log.warning("the schedule of an issue has changed", issue=issue.name)
    elif not _is_approved(connection, settings, edition, issue):
        log.warning("issue is not approved any more", issue=issue.name)
    elif not is_pageless and not _is_asked_again(connection, settings, edition, issue, now):
        rows = open_ledger(connection, settings, issue, now)
        spread_rows(connection, issue, edition, now)
        apply_recovered(connection, issue, now)
        issues.move_issue(connection, issue, IssueState.SENDING)
        log.info("sending", issue=issue.name, subscribers=rows)
        return True
    return False


def _cancel_removed(connection: Connection, issue: Issue, now: datetime) -> None:
    issues.move_issue(
        connection,
        issue,
        IssueState.CANCELLED,
        reason=EDITION_REMOVED,
        reason_key=IssueReason.EDITION_REMOVED,
        finished_at=now,
    )
    # For the day on which the edition comes back.
    issues.free_articles(connection, issue)


def _reason_if_late(
    edition: Edition, issue: Issue, now: datetime
) -> tuple[IssueReason, str] | None:
    """Return why an issue is too late that was made before it was due."""
    if not edition.lead and not edition.approval.needed:
        return None  # the planner has decided
    return reason_if_late(edition, lateness_of(edition, issue, now))


def _is_elsewhere(
    connection: Connection, edition: Edition, issue: Issue, now: datetime
) -> bool:
    """Return whether the schedule has changed since the last cycle looked, and the issue with it."""
    if not was_made_ahead(issue, now):
        return False
    changes = changes_of(read_changes(connection), edition)
    return follow_schedule(connection, edition, issue, changes, now)


def _is_approved(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> bool:
    """Return whether an issue has the approvals that it needs; if not, it waits for them again.

    The templates are not read here: the digest is frozen, and whoever renders a variant compares them.
    """
    if not edition.approval.needed:
        return True
    stored = stored_manifest(connection, issue)
    reason: str | None = message("made when nobody had to approve it")
    if stored is not None:
        reason = _reason_against(connection, settings, edition, issue, stored)
    if reason is None:
        return True
    issues.move_issue(
        connection,
        issue,
        IssueState.AWAITING_APPROVAL,
        reason=reason,
        reason_key=IssueReason.NOT_APPROVED,
    )
    return False


def _is_asked_again(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, now: datetime
) -> bool:
    """Return whether an issue waits for approvals again, because others get it than were approved."""
    if not edition.approval.needed:
        return False
    moved = moved_approvals(connection, settings, issue, now)
    return bool(moved) and ask_again(connection, edition, issue, moved)


def _reason_against(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, stored: str
) -> str | None:
    old, sha256 = read_manifest(stored), digest_of(connection, issue).sha256
    new = make_manifest(connection, settings, edition, issue, sha256, old["templates"])
    if changes := changed_parts(old, new):
        return message("changed since it was approved: %(parts)s", parts=changes)
    return approvals_that_count(connection, issue, edition.approval, stored).reason
