"""Mails about approvals: who asks for changes, what was struck by a change, and reminders.

Reminders come when half and a tenth of an issue's lead are left. They go to those who may approve and have not, and to whoever has promised a translation into the language that
is not there yet. Each of the two comes once. A cycle queues them with the mails to translators, which sends them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from publisher import urls
from publisher.accounts.model import Account, Permission, permits
from publisher.accounts.store import list_accounts
from publisher.articles.model import Origin
from publisher.articles.store import variants
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.issues import approvals, store
from publisher.issues.model import Issue, IssueState
from publisher.issues.schedule import set_reminders
from publisher.translations.records import active_claims
from publisher.translations.translators import enqueue_staff_mail, load_translator

# Parts of the lead that are left at the first and at the second reminder.
_LEFT = (0.5, 0.1)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An issue of which accounts are reminded, for the first or the second time (`number`)."""

    issue: Issue
    edition: Edition
    number: int
    # Who has approved it, or has edited it and can't.
    not_asked: frozenset[int] = frozenset()


def queue_reminders(settings: Settings, database: Database, now: datetime) -> int:
    """Queue a mail for each account that issues wait for. Return how many."""
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
        for account in accounts:
            content = _content(connection, settings, account, found, now)
            if content["issues"]:
                enqueue_staff_mail(connection, account.id, content, now)
                count += 1
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
            told = _to_inform(connection, waiting.issue, rows, accounts)
            content = {"issues": [_shown(settings, waiting) | _verdict(rows)], "stories": []}
            for account in told:
                enqueue_staff_mail(connection, account.id, content, now)
            approvals.mark_announced(connection, [row.id for row in rows])
            count += len(told)
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
    """Return who is told of verdicts: who has edited the issue or, if nobody has, may do so; and who was struck."""
    asked = {row.account_id for row in rows if row.verdict == approvals.CHANGES}
    struck = {row.account_id for row in rows if row.verdict == approvals.APPROVE}
    edited = approvals.editors_of(connection, issue, accounts) - {None}
    return [
        one
        for one in accounts
        if _wants_mail(connection, one) and one.id not in asked
        if one.id in struck | edited
        or (not edited and permits(one.grants, Permission.EDIT_ISSUE, issue.language))
    ]


def _verdict(rows: Sequence[approvals.IssueApproval]) -> dict[str, str]:
    """Return what a mail says of verdicts of one kind, as `WaitingIssue` has it."""
    if rows[0].verdict == approvals.APPROVE:
        return {"about": "changed", "words": ", ".join(row.actor for row in rows)}
    return {"about": "changes", "words": "\n".join(f"{row.actor}: {row.note}" for row in rows)}


def reminders_due(edition: Edition, issue: Issue, now: datetime) -> int:
    """Return how many reminders of an issue are due by now. One that is held, or was due, has none."""
    if issue.send_at is None or issue.send_at <= now:
        return 0
    return sum(now >= issue.send_at - left * edition.lead for left in _LEFT)


def _due(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[tuple[Issue, Edition, int]]:
    for issue in store.issues_in_state(connection, IssueState.AWAITING_APPROVAL):
        edition = settings.edition(issue.newsletter, issue.language)
        number = reminders_due(edition, issue, now) if edition else 0
        if edition and number > issue.reminders:
            yield issue, edition, number


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


def _content(
    connection: Connection,
    settings: Settings,
    account: Account,
    found: list[_Waiting],
    now: datetime,
) -> dict[str, Any]:
    """Return what an account is told: nothing if no issue waits for it, or if it wants no mail."""
    content: dict[str, Any] = {"issues": [], "stories": []}
    if not _wants_mail(connection, account):
        return content
    languages = set()
    for one in found:
        language = one.issue.language
        claimed = _claimed(connection, settings, account, language, now)
        may_approve = permits(account.grants, Permission.APPROVE, language)
        if claimed or (may_approve and account.id not in one.not_asked):
            content["issues"].append(_shown(settings, one))
        if language not in languages:
            content["stories"] += claimed
            languages.add(language)
    return content


def _wants_mail(connection: Connection, account: Account) -> bool:
    chosen = load_translator(connection, account.id)
    return account.disabled_at is None and not (chosen and chosen.wants_mail is False)


def _claimed(
    connection: Connection, settings: Settings, account: Account, language: str, now: datetime
) -> list[dict[str, Any]]:
    claims = active_claims(connection, language, now)
    mine = [one.story_id for one in claims if one.by == account.email]
    found = variants(connection, set(mine), now)
    originals = [
        one for story in mine for one in found.get(story, ()) if one.origin == Origin.ORIGINAL
    ]
    return [
        {
            "title": one.title,
            "language": one.language,
            "url": urls.article_url(settings.publication, one),
            "into": language,
            "is_changed": False,
        }
        for one in originals
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
    }
