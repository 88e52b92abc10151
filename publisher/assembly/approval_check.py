"""Hold issues to what was approved of them, in each cycle before anything is shown or sent.

An issue whose manifest is another one than that of its digest is assembled again: its approvals are of the
old manifest, and do not count for the new one. One whose approvers may not approve any more waits again.
"""

from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Edition, Settings
from publisher.config.choices import UnapprovedPolicy
from publisher.database import Database
from publisher.fault_isolation import Report, isolated, unreported
from publisher.i18n.messages import joined, message
from publisher.issues import store as issues
from publisher.issues.approvals import approval_facts, manifest_now, verdict
from publisher.issues.digests import reopen_issue
from publisher.issues.model import EDITION_REMOVED, Issue, IssueKind, IssueReason, IssueState
from publisher.issues.schedule import lateness_of, reason_if_late
from publisher.log import log
from publisher.rendering import Renderer


def check_approvals(
    settings: Settings,
    database: Database,
    renderer: Renderer,
    now: datetime,
    report: Report = unreported,
) -> None:
    """Have changed issues assembled again; decide about those not approved. `report` gets why a check was impossible."""
    states = (IssueState.AWAITING_APPROVAL, IssueState.READY)
    with database.reading() as connection:
        if not any(
            _needs_look(settings, one) for one in issues.issues_in_state(connection, *states)
        ):
            return
    templates = renderer.fingerprint()
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, *states):
            edition = settings.edition(issue.newsletter, issue.language)
            with isolated(issue.name, report, connection):
                if edition is None:
                    _end_without_edition(connection, issue, now)
                elif _needs_look(settings, issue):
                    _check(connection, settings, templates, edition, issue, now)


def _needs_look(settings: Settings, issue: Issue) -> bool:
    edition = settings.edition(issue.newsletter, issue.language)
    waits = issue.state is IssueState.AWAITING_APPROVAL
    return waits or (edition is not None and edition.approval.needed > 0)


def _end_without_edition(connection: Connection, issue: Issue, now: datetime) -> None:
    """Skip an issue at its hour that nobody can approve any more."""
    waits = issue.state is IssueState.AWAITING_APPROVAL
    if waits and issue.send_at is not None and issue.send_at <= now:
        _skip(connection, issue, IssueReason.EDITION_REMOVED, EDITION_REMOVED, now)


def _skip(
    connection: Connection, issue: Issue, key: IssueReason, reason: str, now: datetime
) -> None:
    issues.give_up_issue(connection, issue, reason, key, now)
    log.warning("issue skipped", issue=issue.name, reason=reason)


def _check(  # an issue and all that it is checked by
    connection: Connection,
    settings: Settings,
    templates: str,
    edition: Edition,
    issue: Issue,
    now: datetime,
) -> None:
    facts = approval_facts(connection, issue, edition.approval)
    made_now = (
        manifest_now(connection, settings, edition, facts, templates)
        if edition.approval.needed
        else None
    )
    decided = verdict(facts, now=made_now)
    is_ready = issue.state is IssueState.READY
    if decided.changes:
        log.info("issue changed", issue=issue.name, parts=decided.changes)
        reopen_issue(connection, issue, now)
    elif decided.reason is not None:
        if is_ready:
            why = {"reason": decided.reason, "reason_key": IssueReason.NOT_APPROVED}
            issue = issues.move_issue(connection, issue, IssueState.AWAITING_APPROVAL, **why)
        _decide_unapproved(connection, edition, issue, decided.reason, now)
    elif not is_ready:
        _let_go(connection, edition, issue, now)


def _let_go(connection: Connection, edition: Edition, issue: Issue, now: datetime) -> None:
    """Make an issue ready that a role or a setting lets go, with the time to undo that."""
    send_at = issue.send_at
    late = reason_if_late(edition, lateness_of(edition, issue, now))
    if late and send_at is not None:
        _skip(connection, issue, *late, now)
        return
    if send_at is not None and edition.undo:
        send_at = max(send_at, now + edition.undo)
    issues.move_issue(connection, issue, IssueState.READY, send_at=send_at, reason=None)


def _decide_unapproved(
    connection: Connection, edition: Edition, issue: Issue, reason: str, now: datetime
) -> None:
    """Skip an issue that is not approved at its hour, or say why it is held."""
    if issue.send_at is not None and issue.send_at <= now:
        late = reason_if_late(edition, lateness_of(edition, issue, now))
        # A correction or an announcement has no hour by which anybody could have approved it.
        is_regular = issue.kind == IssueKind.REGULAR
        skips = is_regular and edition.unapproved is UnapprovedPolicy.SKIP
        if late or skips:
            key, why = late or (
                IssueReason.NOT_APPROVED,
                message("not approved by its hour: %(why)s", why=reason),
            )
            _skip(connection, issue, key, why, now)
            return
        reason = message("held at its hour: %(why)s", why=reason)
    if issue.schedule_note:
        reason = joined(reason, issue.schedule_note)
    if issue.reason != reason:
        issues.set_reason(connection, issue, reason, IssueReason.NOT_APPROVED)
