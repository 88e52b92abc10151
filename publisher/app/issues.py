"""Pause, resume and cancel an issue that is being sent; list the issues that come next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger import counts, lifecycle
from publisher.delivery.states import summarize_counts
from publisher.errors import IssueError, TransitionError, UsageError
from publisher.issues import store
from publisher.issues.model import SELECTED_STATES, Issue, IssueReason, IssueState
from publisher.issues.planner import UpcomingIssue, read_planning, upcoming_issues
from publisher.recurrence import Occurrence

# What callers import, with the values of other packages that they get.
__all__ = [
    "Issue",
    "UpcomingIssue",
    "cancel",
    "changing_issue",
    "language_of_issue",
    "list_upcoming",
    "pause",
    "require_issue",
    "resume",
]

# By the state that an issue can't change to.
_REMEDIES = {
    "paused": "only an issue that is being sent can be paused",
    "cancelled": "sent mail can't be recalled, so correct it in the next issue",
    "sending": "its remaining mail stays unsent",
}


def pause(database: Database, name: str, reason: str | None, now: datetime) -> None:
    """Stop sending an issue until `resume`. Mails that are being sent are completed."""
    with changing_issue(database, name) as (connection, issue):
        lifecycle.pause_issue(connection, issue, reason or "paused by hand", now)


def resume(database: Database, name: str, now: datetime) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    with changing_issue(database, name) as (connection, issue):
        # A ready issue may become `sending` as well, but only when its ledger is inserted.
        if issue.state is not IssueState.PAUSED:
            remedy = "`publisher status` shows which issues are paused"
            raise IssueError(f"{name}: is {issue.state}, not paused; {remedy}")
        lifecycle.resume_issue(connection, issue, now)


def cancel(
    database: Database, name: str, reason: str | None, now: datetime
) -> Mapping[str, int]:
    """End an issue for good; return its deliveries by state, as reports count them."""
    with changing_issue(database, name) as (connection, issue):
        lifecycle.cancel_issue(connection, issue, reason or "cancelled by hand", now)
        return summarize_counts(counts.count_rows(connection, [issue.id])[issue.id])


def list_upcoming(
    settings: Settings, database: Database, now: datetime, most: int
) -> list[UpcomingIssue]:
    """Return the next issues of all editions, and before them those that are due already.

    Those that were made before they are due are among them.
    """
    with database.reading() as connection:
        planned = read_planning(connection, settings)
        found = upcoming_issues(settings, planned, now, most)
        found += _made_ahead(connection, settings, now)
    return sorted(found, key=lambda one: one.occurrence.due_at)[:most]


def _made_ahead(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[UpcomingIssue]:
    states = (IssueState.SCHEDULED, *SELECTED_STATES)
    for issue in store.issues_in_state(connection, *states):
        edition = settings.edition(issue.newsletter, issue.language)
        is_waiting = issue.reason_key == IssueReason.WAITS_FOR_TRANSLATIONS
        if edition and (issue.due_at > now or is_waiting):
            waits = (issue.reason or "") if is_waiting else ""
            occurrence = Occurrence(issue.day, issue.due_at)
            yield UpcomingIssue(edition, occurrence, issue.state, waits)


@contextmanager
def changing_issue(database: Database, name: str) -> Iterator[tuple[Connection, Issue]]:
    """Open a transaction that writes, and find an issue in it, as `require_issue` does.

    Raise IssueError, with the issue's name, for a state that it can't change to.
    """
    with database.writing() as connection:
        issue = require_issue(connection, name)
        try:
            yield connection, issue
        except TransitionError as error:
            raise IssueError(f"{name}: {_refusal_text(error)}") from error


def require_issue(connection: Connection, name: str) -> Issue:
    """Return the issue of a name; raise UsageError if there is none."""
    issue = store.issue_by_name(connection, name)
    if issue is None:
        raise UsageError(f"{name}: no such issue; `publisher status` lists them")
    return issue


def language_of_issue(database: Database, name: str) -> str:
    """Return the language of an issue; raise UsageError if there is none of that name."""
    with database.reading() as connection:
        return require_issue(connection, name).language


def _refusal_text(error: TransitionError) -> str:
    if error.source == error.target:
        return f"is {error.source} already"
    remedy = _REMEDIES.get(error.target, "`publisher status` shows the state of each issue")
    return f"is {error.source}, and can't become {error.target}; {remedy}"
