"""The life of an issue: its states, and the arrows between them. Pure.

    scheduled -> assembling -> [awaiting approval ->] ready -> sending -> sent | partial | failed
    scheduled | assembling -> skipped          nothing to say, or too late
    sending <-> paused                         an operator, or a server that refuses everything
    partial | failed -> sending | sent         what was in doubt is decided
    anything before sent -> cancelled

Knows no clock and no row; `publisher.issues.store` moves the rows along these arrows.
"""

from __future__ import annotations

from enum import StrEnum

from publisher.errors import TransitionError


class IssueState(StrEnum):
    """Where an issue stands."""

    SCHEDULED = "scheduled"
    ASSEMBLING = "assembling"
    AWAITING_APPROVAL = "awaiting_approval"
    READY = "ready"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


ISSUE_TRANSITIONS: dict[IssueState, frozenset[IssueState]] = {
    IssueState.SCHEDULED: frozenset(
        {IssueState.ASSEMBLING, IssueState.SKIPPED, IssueState.CANCELLED}
    ),
    IssueState.ASSEMBLING: frozenset(
        {
            IssueState.AWAITING_APPROVAL,
            IssueState.READY,
            IssueState.SKIPPED,
            IssueState.CANCELLED,
        }
    ),
    # A correction after the editor has looked: the issue is made again.
    IssueState.AWAITING_APPROVAL: frozenset(
        {IssueState.ASSEMBLING, IssueState.READY, IssueState.CANCELLED}
    ),
    IssueState.READY: frozenset(
        {IssueState.ASSEMBLING, IssueState.SENDING, IssueState.CANCELLED}
    ),
    IssueState.SENDING: frozenset(
        {
            IssueState.PAUSED,
            IssueState.SENT,
            IssueState.PARTIAL,
            IssueState.FAILED,
            IssueState.CANCELLED,
        }
    ),
    IssueState.PAUSED: frozenset({IssueState.SENDING, IssueState.CANCELLED}),
    IssueState.SENT: frozenset(),
    # A person has decided about deliveries that were in doubt.
    IssueState.PARTIAL: frozenset({IssueState.SENDING, IssueState.SENT}),
    IssueState.FAILED: frozenset({IssueState.SENDING, IssueState.SENT, IssueState.PARTIAL}),
    IssueState.SKIPPED: frozenset(),
    IssueState.CANCELLED: frozenset(),
}

# Why an issue ends when its newsletter, or its language in it, has been taken out.
EDITION_REMOVED = "no longer in publication.toml"

# An issue in one of these has, or will have, a page on the web that others may point to.
STATES_WITH_PAGE = frozenset(
    {
        IssueState.ASSEMBLING,
        IssueState.AWAITING_APPROVAL,
        IssueState.READY,
        IssueState.SENDING,
        IssueState.PAUSED,
        IssueState.SENT,
        IssueState.PARTIAL,
        IssueState.FAILED,
    }
)


def check_transition(source: IssueState, target: IssueState) -> None:
    """Raise TransitionError unless an issue's life has this arrow."""
    if target not in ISSUE_TRANSITIONS[source]:
        raise TransitionError(source, target)
