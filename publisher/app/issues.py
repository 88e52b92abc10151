"""Find issues, explain what they can't become, and list those that come next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.ledger.counts import is_pruned
from publisher.errors import IssueError, TransitionError, UsageError
from publisher.issues import store
from publisher.issues.model import SELECTED_STATES, STATE_WORDS, WAIT_REASONS, Issue, IssueState
from publisher.issues.planner import UpcomingIssue, read_planning, upcoming_issues
from publisher.messages import message
from publisher.recurrence import Occurrence

# What callers import, with the values of other packages that they get.
__all__ = [
    "Issue",
    "UpcomingIssue",
    "explained_transitions",
    "language_of_issue",
    "list_upcoming",
    "require_issue",
    "require_rows",
]

# By the state that an issue can't change to.
_REMEDIES = {
    "paused": message("only an issue that is being sent can be paused"),
    "cancelled": message(
        "sent mail can't be recalled; `publisher issues correct` mails a correction of it"
    ),
    "sending": message("its remaining mail stays unsent"),
}
_STATUS = message("`publisher status` shows the state of each issue")


def require_rows(connection: Connection, settings: Settings, issue: Issue) -> None:
    """Raise IssueError if the rows of an issue's ledger were deleted, since it is old."""
    if is_pruned(connection, issue.id):
        raise IssueError(
            message(
                "%(issue)s: who got it was deleted after %(days)s days (delivery.keep_deliveries); "
                "its report still has the counts",
                issue=issue.name,
                days=settings.delivery.keep_deliveries,
            )
        )


def list_upcoming(
    settings: Settings, database: Database, now: datetime, most: int
) -> list[UpcomingIssue]:
    """Return the next issues of all editions, and before them those that are due already.

    Those that were made before they are due are among them.
    """
    with database.reading() as connection:
        planned = read_planning(connection, settings)
        found = upcoming_issues(settings, planned, now, most)
        found += issues_made_ahead(connection, settings, now)
    return sorted(found, key=lambda one: one.occurrence.due_at)[:most]


def issues_made_ahead(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[UpcomingIssue]:
    """Yield the issues that were made before they are due, and those that wait."""
    states = (IssueState.SCHEDULED, *SELECTED_STATES)
    for issue in store.issues_in_state(connection, *states):
        edition = settings.edition(issue.newsletter, issue.language)
        is_waiting = issue.reason_key in WAIT_REASONS
        if edition and (issue.due_at > now or is_waiting):
            waits = (issue.reason or "") if is_waiting else ""
            occurrence = Occurrence(issue.day, issue.due_at)
            yield UpcomingIssue(edition, occurrence, issue, waits)


@contextmanager
def explained_transitions(name: str) -> Iterator[None]:
    """Raise IssueError, with the issue's name, for a state that it can't change to."""
    try:
        yield
    except TransitionError as error:
        raise IssueError(
            message("%(issue)s: %(why)s", issue=name, why=_refusal_text(error))
        ) from error


def require_issue(connection: Connection, name: str) -> Issue:
    """Return the issue of a name; raise UsageError if there is none."""
    issue = store.issue_by_name(connection, name)
    if issue is None:
        raise UsageError(
            message("%(issue)s: no such issue; `publisher status` lists them", issue=name)
        )
    return issue


def language_of_issue(database: Database, name: str) -> str:
    """Return the language of an issue; raise UsageError if there is none of that name."""
    with database.reading() as connection:
        return require_issue(connection, name).language


def _refusal_text(error: TransitionError) -> str:
    if error.source == error.target:
        return message("is %(state)s already", state=_state_word(error.source))
    return message(
        "is %(state)s, and can't become %(target)s; %(remedy)s",
        state=_state_word(error.source),
        target=_state_word(error.target),
        remedy=_REMEDIES.get(error.target, _STATUS),
    )


def _state_word(state: str) -> str:
    return STATE_WORDS[IssueState(state)]
