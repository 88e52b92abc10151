"""Open the ledgers of issues whose hour has come and whose page is on the web; skip those that come to it too late.

Who gets an issue is not in the manifest that is approved, because it changes until the last minute. If the count has
moved far from what approvers were told, approvals lapse. Only issues that are about to be opened are counted.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.delivery.ledger import audience as ledger_audience
from publisher.delivery.ledger.opening import open_ledger, spread_rows
from publisher.delivery.lineage.evidence import apply_recovered
from publisher.fault_isolation import Report, isolated, unreported
from publisher.issues import approvals, schedule
from publisher.issues import digests as issue_pages
from publisher.issues import store as issues
from publisher.issues.model import EDITION_REMOVED, Issue, IssueReason, IssueState
from publisher.issues.selection import serving_language
from publisher.log import log
from subscribers.preferences import profile_from_text

# Approvers are asked so long before the hour, so that they can answer.
_BEFORE = timedelta(minutes=15)


def check_audiences(
    settings: Settings, database: Database, now: datetime, report: Report = unreported
) -> None:
    """Have approvals of issues lapse that are sent soon. Those that are due are checked at their opening."""
    with database.reading() as connection:
        moved = set[int]()
        for issue in issues.issues_in_state(connection, IssueState.READY):
            if issue.send_at is not None and now < issue.send_at <= now + _BEFORE:
                with isolated(issue.name, report, connection):
                    if _verdict_on_audience(connection, settings, issue, issue.send_at):
                        moved.add(issue.id)
    if not moved:
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.READY):
            if issue.id in moved and issue.send_at is not None:
                # Somebody may have approved it since it was looked at.
                verdict = _verdict_on_audience(connection, settings, issue, issue.send_at)
                if verdict:
                    _ask_again(connection, issue, verdict)


def _verdict_on_audience(
    connection: Connection, settings: Settings, issue: Issue, at: datetime
) -> approvals.Verdict | None:
    """Return the verdict on an issue if approvals lapse for those who get it at `at`; else None."""
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None or not edition.approval.needed or issue.corrects_id is not None:
        return None
    facts = approvals.approval_facts(connection, issue, edition.approval)
    if not facts.signed_counts():
        return None
    moved = approvals.verdict(
        facts, recipients=count_recipients(connection, settings, issue, at)
    )
    return moved if moved.lapsed else None


def _ask_again(connection: Connection, issue: Issue, moved: approvals.Verdict) -> bool:
    """Have approvals lapse; return whether the issue waits for others now."""
    approvals.lapse_approvals(connection, moved.lapsed)
    if moved.reason is None:
        return False
    log.warning("approvals lapsed", issue=issue.name, reason=moved.reason)
    _wait_again(connection, issue, moved.reason)
    return True


def _wait_again(connection: Connection, issue: Issue, reason: str) -> None:
    state, key = IssueState.AWAITING_APPROVAL, IssueReason.NOT_APPROVED
    issues.move_issue(connection, issue, state, reason=reason, reason_key=key)


def count_recipients(
    connection: Connection, settings: Settings, issue: Issue, at: datetime
) -> int:
    """Return how many get an issue if its ledger is opened at `at`. Its plan counts the same."""
    members = ledger_audience.load_members(connection, issue.newsletter, at)
    audience = ledger_audience.load_issue_audience(connection, settings, issue, members, at)
    editions = [one.language for one in settings.editions_of(issue.newsletter)]

    def gets_it(group: ledger_audience.AudienceGroup) -> bool:
        wanted = (group.language, *profile_from_text(group.profile).more_languages)
        if serving_language(editions, wanted) != issue.language:
            return False
        portion = group.portion_of(audience)
        if group.is_outside(issue.language):
            return False
        return portion is None or portion.cause is None

    limits = {issue.language: audience.limit}
    groups = ledger_audience.count_groups(
        connection, issue.newsletter, [audience], at, limits=limits
    )
    return sum(group.count for group in groups if gets_it(group))


def open_due_issues(
    connection: Connection,
    settings: Settings,
    now: datetime,
    report: Report = unreported,
    *,
    cancels_removed: bool = True,
) -> int:
    """Insert the rows of issues that may be sent now; return of how many. Those whose edition is gone are cancelled, or left alone."""
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
    if late := _reason_if_late(edition, issue, now):
        key, why = late
        issues.give_up_issue(connection, issue, why, key, now)
        log.warning("issue skipped", issue=issue.name, reason=why)
    elif _is_elsewhere(connection, edition, issue, now):
        log.warning("the schedule of an issue has changed", issue=issue.name)
    elif reason := _reason_against(connection, settings, edition, issue):
        log.warning("issue is not approved any more", issue=issue.name)
        _wait_again(connection, issue, reason)
    elif not is_pageless and not (
        (moved := _verdict_on_audience(connection, settings, issue, now))
        and _ask_again(connection, issue, moved)
    ):
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
    return schedule.reason_if_late(edition, schedule.lateness_of(edition, issue, now))


def _is_elsewhere(
    connection: Connection, edition: Edition, issue: Issue, now: datetime
) -> bool:
    """Return whether the schedule has changed since the last cycle looked, and the issue with it."""
    if not schedule.was_made_ahead(issue, now):
        return False
    changes = schedule.changes_of(schedule.read_changes(connection), edition)
    return schedule.follow_schedule(connection, edition, issue, changes, now)


def _reason_against(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> str | None:
    if not edition.approval.needed:
        return None
    facts = approvals.approval_facts(connection, issue, edition.approval)
    now = approvals.manifest_now(connection, settings, edition, facts)
    return approvals.verdict(facts, now=now).reason
