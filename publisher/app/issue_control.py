"""Pause, resume and cancel an issue, as somebody whose roles permit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from publisher.app.editing_state import Actor, Change, EditingState, Permission
from publisher.app.issues import explained_transitions, language_of_issue, require_issue
from publisher.app.sending_status import StopCounts, stop_counts
from publisher.delivery.ledger import counts, lifecycle
from publisher.delivery.states import summarise_counts
from publisher.errors import IssueError
from publisher.issues.model import STATE_WORDS, Issue, IssueState
from publisher.messages import message


def pause_sending(
    state: EditingState, actor: Actor, name: str, reason: str | None = None
) -> StopCounts:
    """Stop sending an issue until it is resumed; return how far it was.

    Mails that are under way are completed.
    """
    permission = Permission.PAUSE_SENDING
    with changing_issue(state, actor, "pause", permission, name) as (change, issue):
        change.details["reason"] = reason
        now = state.clock.now()
        lifecycle.pause_issue(
            change.connection, issue, reason or message("paused by hand"), now
        )
        found = stop_counts(counts.count_rows(change.connection, [issue.id])[issue.id])
        change.details["deliveries"] = found._asdict()
        return found


def resume_sending(state: EditingState, actor: Actor, name: str) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    permission = Permission.CONTROL_SENDING
    with changing_issue(state, actor, "resume", permission, name) as (change, issue):
        # A ready issue may become `sending` as well, but only when its ledger is inserted.
        if issue.state is not IssueState.PAUSED:
            raise IssueError(
                message(
                    "%(issue)s: is %(state)s, not paused; `publisher status` shows which issues are paused",
                    issue=name,
                    state=STATE_WORDS[issue.state],
                )
            )
        lifecycle.resume_issue(change.connection, issue, state.clock.now())


def cancel_sending(
    state: EditingState, actor: Actor, name: str, reason: str | None = None
) -> Mapping[str, int]:
    """End an issue for good; return its deliveries by state, as reports count them."""
    permission = Permission.CONTROL_SENDING
    with changing_issue(state, actor, "cancel", permission, name) as (change, issue):
        connection, now = change.connection, state.clock.now()
        lifecycle.cancel_issue(connection, issue, reason or message("cancelled by hand"), now)
        found = summarise_counts(counts.count_rows(connection, [issue.id])[issue.id])
        change.details.update(reason=reason, deliveries=dict(found))
        return found


@contextmanager
def changing_issue(
    state: EditingState, actor: Actor, verb: str, permission: Permission, name: str
) -> Iterator[tuple[Change, Issue]]:
    """Open a transaction for an issue; raise IssueError for a state that it can't change to."""
    actor.require(permission, language_of_issue(state.database, name))
    with state.changing(actor, verb, name) as change, explained_transitions(name):
        yield change, require_issue(change.connection, name)
