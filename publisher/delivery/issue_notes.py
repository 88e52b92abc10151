"""What an issue that is being sent waits for: stored with it, for status and console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.delivery.ledger import lifecycle
from publisher.issues import store as issues
from publisher.issues.model import IssueReason, IssueState
from publisher.messages import message, untranslated

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from publisher.database import Database
    from publisher.delivery.transports.base import Unreachable


def note_unreachable(
    database: Database, jobs: Collection[int], error: Unreachable, now: datetime
) -> None:
    """Note at each issue what prevents sending. Pause it if only a person can help."""
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.SENDING):
            if issue.id not in jobs:
                continue
            if error.is_final:
                key = IssueReason.LOGIN_REFUSED if error.is_login else IssueReason.REFUSED
                lifecycle.pause_issue(connection, issue, str(error), now, key)
            else:
                reason = message("waiting: %(why)s", why=untranslated(str(error)))
                issues.set_reason(connection, issue, reason, IssueReason.UNREACHABLE)


def resume_refused_logins(database: Database, now: datetime) -> None:
    """Resume the issues that were paused because the login was refused: it may be right now."""
    with database.reading() as connection:
        paused = issues.issues_in_state(connection, IssueState.PAUSED)
    if not any(one.reason_key == IssueReason.LOGIN_REFUSED for one in paused):
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.PAUSED):
            if issue.reason_key == IssueReason.LOGIN_REFUSED:
                lifecycle.resume_issue(connection, issue, now)


def note_waiting(
    database: Database,
    jobs: Collection[int],
    waiting_for: Sequence[str],
    unrendered: Mapping[int, tuple[str, IssueReason]],
) -> None:
    """Note at each open issue the rate limits, or else the variants, that it waits for."""
    waiting = None
    if waiting_for:
        waiting = message("waiting: %(why)s", why=untranslated(", ".join(waiting_for)))
    with database.reading() as connection:
        sending = issues.issues_in_state(connection, IssueState.SENDING)
    notes: dict[int, tuple[str, IssueReason] | tuple[None, None]] = {
        number: (waiting, IssueReason.RATE_LIMIT)
        if waiting
        else unrendered.get(number, (None, None))
        for number in jobs
    }
    if all(one.reason == notes[one.id][0] for one in sending if one.id in notes):
        return
    with database.writing() as connection:
        for issue in issues.issues_in_state(connection, IssueState.SENDING):
            if issue.id in notes:
                issues.set_reason(connection, issue, *notes[issue.id])
