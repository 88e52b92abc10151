"""Which changes of an issue's state other programs learn, by webhooks."""

from __future__ import annotations

from sqlalchemy import Connection

from publisher.issues.model import Issue, IssueState
from publisher.webhooks.events import EventType
from publisher.webhooks.queue import Event, queue_events

_BY_STATE = {
    IssueState.AWAITING_APPROVAL: EventType.ISSUE_AWAITING_APPROVAL,
    IssueState.SENDING: EventType.ISSUE_SENDING,
    IssueState.PAUSED: EventType.ISSUE_PAUSED,
    IssueState.SENT: EventType.ISSUE_SENT,
    # Some got it, and some did not: the event's state says so.
    IssueState.PARTIAL: EventType.ISSUE_SENT,
    IssueState.FAILED: EventType.ISSUE_FAILED,
    IssueState.CANCELLED: EventType.ISSUE_CANCELLED,
}


def queue_change(connection: Connection, before: IssueState, moved: Issue) -> Issue:
    """Queue the event of a change of state, if it makes one, and return the issue."""
    queue_events(connection, *_events(before, moved))
    return moved


def _events(before: IssueState, moved: Issue) -> list[Event]:
    kind = _BY_STATE.get(moved.state)
    if (before, moved.state) == (IssueState.AWAITING_APPROVAL, IssueState.READY):
        kind = EventType.ISSUE_APPROVED
    if kind is None:
        return []
    data = {
        "issue": moved.name,
        "newsletter": moved.newsletter,
        "language": moved.language,
        "day": moved.day.isoformat(),
        "state": moved.state.value,
    }
    return [Event(kind, data)]
