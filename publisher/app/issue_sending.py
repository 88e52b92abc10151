"""When an issue is sent: now, later, not yet, or not at all; and taking that back in time.

Each verb names what it found if it comes too late: of many that are called at once, one changes the
issue, and the others raise IssueError with the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from publisher.app.editing_state import Permission
from publisher.app.issues import explained_transitions, require_issue
from publisher.config import Edition
from publisher.delivery.ledger import counts
from publisher.delivery.states import summarise_counts
from publisher.errors import IssueError
from publisher.issues import store
from publisher.issues.due_times import set_reminders
from publisher.issues.model import (
    EDITION_REMOVED,
    SELECTED_STATES,
    STATE_WORDS,
    Issue,
    IssueReason,
    IssueState,
)
from publisher.messages import message

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState

_NOT_SENT = SELECTED_STATES | {IssueState.SCHEDULED}
_FINAL = frozenset({IssueState.SKIPPED, IssueState.CANCELLED})
_MAX_REASON = 500
# How far ahead an issue is scheduled: a year with a digit too many is refused, not waited for.
_FARTHEST = timedelta(days=366)
# What `summarise_counts` counts, as people say it.
_ROW_WORDS = {
    "sent": message("sent"),
    "deferred": message("deferred"),
    "bounced": message("bounced"),
    "failed": message("failed"),
    "in_doubt": message("in doubt"),
    "suppressed": message("suppressed"),
    "cancelled": message("cancelled"),
    "waiting": message("waiting"),
}


def send_now(state: EditingState, actor: Actor, name: str) -> Issue:
    """Send an issue that is ready before its hour, or one that is held; `undo_sending` stops it.

    The first mail leaves after the time to undo.
    """
    with _changing(state, actor, "send-now", Permission.CONTROL_SENDING, name) as one:
        issue, send_at = one.issue, one.now + one.edition.undo_now
        if issue.state is not IssueState.READY:
            raise one.refusal()
        if issue.send_at is not None and issue.send_at <= send_at:
            raise IssueError(
                message(
                    "%(issue)s: goes out at %(when)s already",
                    issue=name,
                    when=_instant(issue.send_at),
                )
            )
        values = {"reason": None, "reason_key": None}
        return store.touch_issue(one.connection, issue, send_at=send_at, **values)


def undo_sending(state: EditingState, actor: Actor, name: str) -> Issue:
    """Take back "send now", or the last approval, before the first mail. Nothing was sent.

    The issue goes out when it is due, or is held if that has passed.
    """
    with _changing(state, actor, "undo", Permission.PAUSE_SENDING, name) as one:
        issue = one.issue
        if issue.state is not IssueState.READY:
            raise one.refusal()
        if issue.send_at is None:
            raise IssueError(message("%(issue)s: is held; nothing is to be undone", issue=name))
        if issue.send_at == issue.due_at > one.now:
            when = _instant(issue.due_at)
            raise IssueError(
                message(
                    "%(issue)s: goes out when it is due, at %(when)s; hold it instead",
                    issue=name,
                    when=when,
                )
            )
        is_to_come = issue.due_at > one.now and not issue.is_unscheduled
        send_at = issue.due_at if is_to_come else None
        return store.touch_issue(one.connection, issue, send_at=send_at)


def schedule_issue(state: EditingState, actor: Actor, name: str, send_at: datetime) -> Issue:
    """Have an issue sent at an instant, once it is approved. Its name and its date stay."""
    with _changing(state, actor, "schedule", Permission.MOVE_ISSUE, name) as one:
        one.details["send_at"] = send_at.isoformat()
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        if send_at <= one.now:
            raise IssueError(
                message(
                    "%(issue)s: %(when)s has passed; send it now instead",
                    issue=name,
                    when=_instant(send_at),
                )
            )
        if send_at > one.now + _FARTHEST:
            raise IssueError(
                message(
                    "%(issue)s: %(when)s is more than a year away",
                    issue=name,
                    when=_instant(send_at),
                )
            )
        is_about_schedule = one.issue.reason_key == IssueReason.NOT_IN_SCHEDULE
        values = {"reason": None, "reason_key": None} if is_about_schedule else {}
        # Whoever was reminded of the former time is reminded of this one.
        set_reminders(one.connection, one.issue, 0)
        return store.touch_issue(one.connection, one.issue, send_at=send_at, **values)


def hold_issue(state: EditingState, actor: Actor, name: str) -> Issue:
    """Keep an issue from being sent until somebody schedules it, or sends it now."""
    with _changing(state, actor, "hold", Permission.PAUSE_SENDING, name) as one:
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        if one.issue.send_at is None:
            raise IssueError(message("%(issue)s: is held already", issue=name))
        return store.touch_issue(one.connection, one.issue, send_at=None)


def skip_issue(state: EditingState, actor: Actor, name: str, reason: str) -> Issue:
    """Send an issue never. The next one may have its articles."""
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise IssueError(
            message(
                "%(issue)s: say why, in at most %(most)s characters",
                issue=name,
                most=_MAX_REASON,
            )
        )
    with _changing(state, actor, "skip", Permission.MOVE_ISSUE, name) as one:
        one.details["reason"] = reason
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        key = IssueReason.SKIPPED_BY_EDITOR
        return store.give_up_issue(one.connection, one.issue, reason.strip(), key, one.now)


@dataclass(frozen=True, slots=True)
class _Changing:
    connection: Connection
    details: dict[str, object]
    issue: Issue
    edition: Edition
    now: datetime

    def refusal(self) -> IssueError:
        """Return why it is too early or too late for a verb, with numbers if it is being sent."""
        issue, word = self.issue, STATE_WORDS[self.issue.state]
        if issue.state in {*_NOT_SENT, *_FINAL}:
            if issue.reason is None:
                return IssueError(
                    message("%(issue)s: is %(state)s", issue=issue.name, state=word)
                )
            why = issue.reason
            return IssueError(
                message(
                    "%(issue)s: is %(state)s (%(why)s)", issue=issue.name, state=word, why=why
                )
            )
        found = summarise_counts(counts.count_rows(self.connection, [issue.id])[issue.id])
        rows = [
            message("%(count)s %(why)s", count=number, why=_ROW_WORDS[state])
            for state, number in found.items()
            if number
        ]
        given = {"issue": issue.name, "state": word, "rows": rows or [message("0 mails")]}
        if issue.state is IssueState.SENDING:
            return IssueError(
                message("%(issue)s: is %(state)s (%(rows)s); pause or cancel it", **given)
            )
        return IssueError(message("%(issue)s: is %(state)s (%(rows)s)", **given))


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, permission: Permission, name: str
) -> Iterator[_Changing]:
    with state.changing(actor, verb, name) as change, explained_transitions(name):
        issue = require_issue(change.connection, name)
        actor.require(permission, issue.language)
        edition = state.settings.edition(issue.newsletter, issue.language)
        if edition is None:
            raise IssueError(message("%(issue)s: %(why)s", issue=name, why=EDITION_REMOVED))
        yield _Changing(change.connection, change.details, issue, edition, state.clock.now())


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
