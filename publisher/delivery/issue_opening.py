"""Open the ledgers of issues whose hour has come, each with its move to `sending`.

An issue waits until its page is on the web, because every mail links to it. One that comes to its
hour too late is skipped.

An approved issue is opened only if it goes to about as many people as its approvers were told. Who
gets an issue is not in its manifest, because it changes until the last minute. If the count has
moved far, the approvals lapse, and the approvers are asked again. All subscribers are counted for
that, so it is done for issues that are about to be opened only.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.delivery.ledger.audience import (
    AudienceGroup,
    count_groups,
    load_issue_audience,
    load_members,
)
from publisher.delivery.ledger.opening import open_ledger, spread_rows
from publisher.delivery.lineage.evidence import apply_recovered
from publisher.fault_isolation import Report, isolated, unreported
from publisher.i18n.messages import message
from publisher.issues import pages as issue_pages
from publisher.issues import store as issues
from publisher.issues.approvals import (
    approvals_of,
    approvals_that_count,
    changed_parts,
    lapse_approvals,
    make_manifest,
    manifest_hash,
    moved_far,
    read_manifest,
    signed_counts,
    stored_manifest,
)
from publisher.issues.digests import digest_of
from publisher.issues.model import EDITION_REMOVED, Issue, IssueReason, IssueState
from publisher.issues.schedule import (
    changes_of,
    follow_schedule,
    lateness_of,
    read_changes,
    reason_if_late,
    was_made_ahead,
)
from publisher.issues.selection import serving_language
from subscribers.preferences import profile_from_text

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
