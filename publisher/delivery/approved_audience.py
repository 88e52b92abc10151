"""Whether an approved issue goes to about as many people as its approvers were told.

Who gets an issue is not in its manifest, because it changes until the last minute. If the count has moved
far, the approvals lapse, and the approvers are asked again. It is counted for issues that are about to
be opened only, since all subscribers are counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.delivery.ledger.audience import load_issue_audience, load_members
from publisher.delivery.ledger.audience_groups import AudienceGroup, count_groups
from publisher.fault_isolation import Report, isolated, unreported
from publisher.issues import store as issues
from publisher.issues.approvals import (
    approvals_of,
    approvals_that_count,
    lapse_approvals,
    moved_far,
    signed_counts,
    stored_manifest,
)
from publisher.issues.manifest import manifest_hash
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.issues.selection import serving_language
from subscribers.profiles import profile_from_text

log = structlog.get_logger()

# Approvers are asked so long before the hour, so that they can answer.
_BEFORE = timedelta(minutes=15)


def check_audiences(
    settings: Settings,
    database: Database,
    now: datetime,
    report: Report = unreported,
) -> None:
    """Have approvals of issues lapse that are sent soon. Those that are due are checked at their opening."""
    with database.reading() as connection:
        found = dict[int, dict[int, str]]()
        for one in issues.issues_in_state(connection, IssueState.READY):
            if one.send_at is not None and now < one.send_at <= now + _BEFORE:
                with isolated(one.name, report, connection):
                    found[one.id] = moved_approvals(connection, settings, one, one.send_at)
    if not any(found.values()):
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.READY):
            edition = settings.edition(issue.newsletter, issue.language)
            if edition and (moved := found.get(issue.id)):
                ask_again(connection, edition, issue, moved)


def moved_approvals(
    connection: Connection, settings: Settings, issue: Issue, at: datetime
) -> dict[int, str]:
    """Return why approvals of an issue do not count any more if it is sent at `at`, by their ids."""
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None or not edition.approval.needed or issue.corrects_id is not None:
        return {}
    stored = stored_manifest(connection, issue)
    signed = signed_counts(
        approvals_of(connection, issue),
        manifest_hash(stored) if stored else None,
        issue.language,
    )
    if not signed:
        return {}
    return moved_far(signed, issue.language, count_recipients(connection, settings, issue, at))


def ask_again(
    connection: Connection, edition: Edition, issue: Issue, moved: dict[int, str]
) -> bool:
    """Have approvals lapse; return whether the issue waits for others now."""
    lapse_approvals(connection, moved)
    stored = stored_manifest(connection, issue)
    reason = approvals_that_count(connection, issue, edition.approval, stored).reason
    if reason is None:
        return False
    log.warning("approvals lapsed", issue=issue.name, reason=reason)
    issues.move_issue(
        connection,
        issue,
        IssueState.AWAITING_APPROVAL,
        reason=reason,
        reason_key=IssueReason.NOT_APPROVED,
    )
    return True


def count_recipients(
    connection: Connection, settings: Settings, issue: Issue, at: datetime
) -> int:
    """Return how many get an issue if its ledger is opened at `at`. Its plan counts the same."""
    members = load_members(connection, issue.newsletter, at)
    audience = load_issue_audience(connection, settings, issue, members, at)
    editions = [one.language for one in settings.editions_of(issue.newsletter)]

    def gets_it(group: AudienceGroup) -> bool:
        wanted = (group.language, *profile_from_text(group.profile).more_languages)
        if serving_language(editions, wanted) != issue.language:
            return False
        portion = group.portion_of(audience)
        return portion is None or portion.cause is None

    groups = count_groups(connection, issue.newsletter, [audience], at)
    return sum(group.count for group in groups if gets_it(group))
