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


class State(StrEnum):
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


ARROWS: dict[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.ASSEMBLING, State.SKIPPED, State.CANCELLED}),
    State.ASSEMBLING: frozenset(
        {State.AWAITING_APPROVAL, State.READY, State.SKIPPED, State.CANCELLED}
    ),
    # A correction after the editor has looked: the issue is made again.
    State.AWAITING_APPROVAL: frozenset({State.ASSEMBLING, State.READY, State.CANCELLED}),
    State.READY: frozenset({State.ASSEMBLING, State.SENDING, State.CANCELLED}),
    State.SENDING: frozenset(
        {State.PAUSED, State.SENT, State.PARTIAL, State.FAILED, State.CANCELLED}
    ),
    State.PAUSED: frozenset({State.SENDING, State.CANCELLED}),
    State.SENT: frozenset(),
    # A person has decided about deliveries that were in doubt.
    State.PARTIAL: frozenset({State.SENDING, State.SENT}),
    State.FAILED: frozenset({State.SENDING, State.SENT, State.PARTIAL}),
    State.SKIPPED: frozenset(),
    State.CANCELLED: frozenset(),
}

# Why an issue ends when its newsletter, or its language in it, has been taken out.
NO_EDITION = "no longer in publication.toml"

# An issue in one of these has, or will have, a page on the web that others may point to.
PUBLIC = frozenset(
    {
        State.ASSEMBLING,
        State.AWAITING_APPROVAL,
        State.READY,
        State.SENDING,
        State.PAUSED,
        State.SENT,
        State.PARTIAL,
        State.FAILED,
    }
)


def check_arrow(source: State, target: State) -> None:
    """Raise TransitionError unless an issue's life has this arrow."""
    if target not in ARROWS[source]:
        raise TransitionError(source, target)
