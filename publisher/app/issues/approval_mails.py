"""Mails about approvals: who asks for changes, what was struck by a change, reminders, and what is not sent at its hour.

Reminders come when half and a tenth of an issue's lead are left. They go to those who may approve and have not, and to whoever has promised a translation into the language that
is not there yet. Each of the two comes once. At its hour those who can act are told that it is held, was skipped, or could not be made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_

from publisher.accounts.mails import StaffMailKind, tell
from publisher.accounts.model import Account, Permission, permits
from publisher.accounts.store import list_accounts
from publisher.app.translators import story_line
from publisher.articles.model import Origin
from publisher.articles.store import variants
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.i18n.messages import packed
from publisher.issues import approvals, store
from publisher.issues.editing import edits_of
from publisher.issues.model import Issue, IssueKind, IssueReason, IssueState
from publisher.issues.schedule import set_reminders
from publisher.issues.tables import issue_table
from publisher.translations.records import active_claims

# Parts of the lead that are left at the first and at the second reminder.
_LEFT = (0.5, 0.1)
_AT_ITS_HOUR = len(_LEFT) + 1  # the number of what is told of an issue that is not sent
_NEWS = timedelta(days=7)  # what was due longer ago is not told any more
_NOT_MADE = frozenset({IssueReason.GATE, IssueReason.NOT_MADE})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An issue of which accounts are reminded, for the first or the second time (`number`), or told at its hour."""

    issue: Issue
    edition: Edition
    number: int
    not_asked: frozenset[int] = frozenset()  # who has approved it, or has edited it and can't


def queue_reminders(settings: Settings, database: Database, now: datetime) -> int:
    """Tell each account that issues wait for, or that can act on those that are not sent at their hour. Return how many mails."""
    if not settings.console.reminders:
        return 0
    with database.reading() as connection:
        if not any(_due(connection, settings, now)):
            return 0
    count = 0
    with database.writing() as connection:
        accounts = list_accounts(connection)
        found = [
            _waiting(connection, *one, accounts) for one in _due(connection, settings, now)
        ]
        held = [_shown(settings, one) for one in found if one.number == _AT_ITS_HOUR]
        found_before = [one for one in found if one.number < _AT_ITS_HOUR]
        for account in accounts:
            lines = _reminder(connection, settings, account, found_before, now)
            if lines["reminder"]:
                count += tell(connection, account, StaffMailKind.REMINDERS, lines, now)
            count += tell(connection, account, StaffMailKind.HELD, {"held": held}, now)
        for one in found:
            set_reminders(connection, one.issue, one.number)
    return count


def queue_verdicts(settings: Settings, database: Database, now: datetime) -> int:
    """Queue mails about verdicts of which nobody was told yet: to those who may change the issue, and to whoever had approved it."""
    if not settings.console.reminders:
        return 0
    with database.reading() as connection:
        if not any(_unannounced(connection, settings)):
            return 0
    count = 0
    with database.writing() as connection:
        accounts = list_accounts(connection)
        for waiting, rows in [*_unannounced(connection, settings)]:
            is_struck = rows[0].verdict == approvals.APPROVE
            kind = StaffMailKind.STRUCK if is_struck else StaffMailKind.CHANGES
            lines = {kind.value: [_shown(settings, waiting) | _verdict(rows)]}
            for account in _to_inform(connection, waiting.issue, rows, accounts):
                count += tell(connection, account, kind, lines, now)
            approvals.mark_announced(connection, [row.id for row in rows])
    return count


def _unannounced(
    connection: Connection, settings: Settings
) -> Iterator[tuple[_Waiting, list[approvals.IssueApproval]]]:
    """Yield issues with what asks for changes, and then with the approvals that were struck."""
    for issue in store.issues_in_state(connection, IssueState.AWAITING_APPROVAL):
        edition = settings.edition(issue.newsletter, issue.language)
        stored = approvals.stored_manifest(connection, issue)
        if edition is None or stored is None:
            continue
        rows = approvals.approvals_of(connection, issue)
        asked = [row for row in rows if row.verdict == approvals.CHANGES]
        struck = approvals.struck_approvals(rows, approvals.manifest_hash(stored))
        waiting = _Waiting(issue, edition, 0)
        for found in (asked, struck):
            if new := [row for row in found if not row.is_announced]:
                yield waiting, new


def _to_inform(
    connection: Connection,
    issue: Issue,
    rows: Sequence[approvals.IssueApproval],
    accounts: Sequence[Account],
) -> list[Account]:
    """Return who is told of verdicts: who has edited the issue or, if nobody has, may do so; and who was struck.

    Nobody is told who asked, or whose edit has struck them.
    """
    caused = {row.account_id for row in rows if row.verdict == approvals.CHANGES}
    struck = {row.account_id: row.at for row in rows if row.verdict == approvals.APPROVE}
    edited = approvals.editors_of(connection, issue, accounts) - {None}
    if struck:
        since, edits = min(struck.values()), edits_of(connection, issue.id)
        caused |= {edit.account_id for edit in edits if edit.at > since}
    return [
        one
        for one in accounts
        if one.id not in caused
        if one.id in edited | struck.keys()
        or (not edited and permits(one.grants, Permission.EDIT_ISSUE, issue.language))
    ]


def _verdict(rows: Sequence[approvals.IssueApproval]) -> dict[str, str]:
    """Return what a mail says of verdicts of one kind."""
    if rows[0].verdict == approvals.APPROVE:
        return {"names": ", ".join(row.actor for row in rows)}
    return {"words": "\n".join(f"{row.actor}: {row.note}" for row in rows)}


def reminders_due(edition: Edition, issue: Issue, now: datetime) -> int:
    """Return how many reminders of an issue are due by now. One that an editor holds has none, and so have corrections and announcements at their hour."""
    if issue.send_at is None:
        return 0
    if issue.send_at <= now:
        # Nobody could have approved others by then.
        return _AT_ITS_HOUR if issue.kind == IssueKind.REGULAR else 0
    return sum(now >= issue.send_at - left * edition.lead for left in _LEFT)


# Issues that were made and skipped since nobody approved them, and those that can't be made at their hour.
_IS_UNSENT = and_(
    issue_table.c.state == IssueState.SKIPPED,
    issue_table.c.reason_key.in_((IssueReason.NOT_APPROVED, IssueReason.LATE)),
    issue_table.c.assembled_at.is_not(None),
) | and_(issue_table.c.state == IssueState.ASSEMBLING, issue_table.c.reason_key.in_(_NOT_MADE))


def _due(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[tuple[Issue, Edition, int]]:
    for issue in store.issues_in_state(connection, IssueState.AWAITING_APPROVAL):
        edition = settings.edition(issue.newsletter, issue.language)
        number = reminders_due(edition, issue, now) if edition else 0
        if edition and number > issue.reminders:
            yield issue, edition, number
    unsent = store.issues_where(
        connection,
        issue_table.c.due_at.between(now - _NEWS, now),
        issue_table.c.reminders < _AT_ITS_HOUR,
        _IS_UNSENT,
    )
    for issue in unsent:
        if edition := settings.edition(issue.newsletter, issue.language):
            yield issue, edition, _AT_ITS_HOUR


def _waiting(
    connection: Connection,
    issue: Issue,
    edition: Edition,
    number: int,
    accounts: Sequence[Account],
) -> _Waiting:
    facts = approvals.approval_facts(connection, issue, edition.approval)
    approvers = approvals.verdict(facts).count.approvers
    not_asked = {
        one.id for one in accounts if one.email in approvers or one.id in facts.editors
    }
    return _Waiting(issue, edition, number, frozenset(not_asked))


def _reminder(
    connection: Connection,
    settings: Settings,
    account: Account,
    found: list[_Waiting],
    now: datetime,
) -> dict[str, list[dict[str, Any]]]:
    """Return what an account is reminded of: no `reminder` if no issue waits for it."""
    lines: dict[str, list[dict[str, Any]]] = {"reminder": [], "promised": []}
    languages = set()
    for one in found:
        language = one.issue.language
        claimed = _claimed(connection, settings, account, language, now)
        may_approve = permits(account.grants, Permission.APPROVE, language)
        if claimed or (may_approve and account.id not in one.not_asked):
            lines["reminder"].append(_shown(settings, one))
        if language not in languages:
            lines["promised"] += claimed
            languages.add(language)
    return lines


def _claimed(
    connection: Connection, settings: Settings, account: Account, language: str, now: datetime
) -> list[dict[str, str]]:
    claims = active_claims(connection, language, now)
    mine = [one.story_id for one in claims if one.by == account.email]
    found = variants(connection, set(mine), now)
    return [
        story_line(settings, one, language)
        for story in mine
        for one in found.get(story, ())
        if one.origin == Origin.ORIGINAL
    ]


def _shown(settings: Settings, one: _Waiting) -> dict[str, str]:
    issue, edition, console = one.issue, one.edition, settings.console
    local = (issue.send_at or issue.due_at).astimezone(edition.zone)
    return {
        "title": edition.title(issue.language),
        "language": issue.language,
        # The name of a zone is English.
        "when": local.isoformat(" ", "minutes"),
        "url": f"{console.url}/issues/{issue.name}/" if console.enabled else "",
        "state": issue.state,
        "reason": packed(issue.reason or "") if one.number == _AT_ITS_HOUR else "",
    }
