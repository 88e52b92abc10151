"""The rules of consent: which status may follow which, by whose hand.

Three ideas make up the table. Anybody may close a reader's record, and a stronger ground for
closing replaces a weaker one, never the other way round. Only the reader herself reopens it, and
only by way of `pending`, that is with a confirmation from her own mailbox. A complaint stays: she
told her provider that our mail is unwanted. It is pure and knows no rows; whatever changes a
status asks here first.
"""

from __future__ import annotations

from typing import Final

from subscribers.errors import RefusedTransitionError
from subscribers.model import Cause, Status

# How strong a ground for not writing is. A bounce says something about a mailbox, leaving
# something about a wish, a complaint that the wish was not enough.
_STRENGTH: Final = {Status.BOUNCED: 1, Status.UNSUBSCRIBED: 2, Status.COMPLAINED: 3}

_OPEN: Final = frozenset({Status.PENDING, Status.ACTIVE})

# Besides closing, which the strength above governs.
_OPENINGS: Final = {
    Cause.READER: frozenset(
        {
            (Status.PENDING, Status.ACTIVE),
            (Status.BOUNCED, Status.PENDING),
            (Status.UNSUBSCRIBED, Status.PENDING),
        }
    ),
    Cause.IMPORT: frozenset({(Status.PENDING, Status.ACTIVE)}),
    Cause.MAIL: frozenset[tuple[Status, Status]](),
}

_CLOSINGS: Final = {
    Cause.READER: frozenset({Status.UNSUBSCRIBED}),
    Cause.IMPORT: frozenset(_STRENGTH),
    Cause.MAIL: frozenset({Status.BOUNCED, Status.COMPLAINED}),
}

WITHDRAWN: Final = frozenset({Status.UNSUBSCRIBED, Status.COMPLAINED})
"""Statuses that take every subscription of the reader with them: coming back later, she gets
what she then asks for and not what she once had."""


def is_open(status: Status) -> bool:
    """Tell whether a reader may be, or is about to be, written to."""
    return status in _OPEN


def moved(current: Status, wanted: Status, cause: Cause) -> Status:
    """Return the status to store when `cause` wants `wanted`.

    It is `current` where nothing changes: it is so already, or the record is closed on a
    stronger ground. Raises `RefusedTransitionError` where the table has no such arrow.
    """
    if wanted is current or (current, wanted) in _OPENINGS[cause]:
        return wanted
    if wanted not in _CLOSINGS[cause]:
        raise RefusedTransitionError(current, wanted, cause)
    return max(current, wanted, key=lambda status: _STRENGTH.get(status, 0))
