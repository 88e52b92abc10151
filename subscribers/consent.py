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
from subscribers.model import ConsentSource, SubscriberStatus

# How strong a ground for not writing is. A bounce says something about a mailbox, leaving
# something about a wish, a complaint that the wish was not enough.
_STRENGTH: Final = {
    SubscriberStatus.BOUNCED: 1,
    SubscriberStatus.UNSUBSCRIBED: 2,
    SubscriberStatus.COMPLAINED: 3,
}

_OPEN: Final = frozenset({SubscriberStatus.PENDING, SubscriberStatus.ACTIVE})

# Besides closing, which the strength above governs.
_OPENINGS: Final = {
    ConsentSource.READER: frozenset(
        {
            (SubscriberStatus.PENDING, SubscriberStatus.ACTIVE),
            (SubscriberStatus.BOUNCED, SubscriberStatus.PENDING),
            (SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.PENDING),
        }
    ),
    ConsentSource.IMPORT: frozenset({(SubscriberStatus.PENDING, SubscriberStatus.ACTIVE)}),
    ConsentSource.MAIL: frozenset[tuple[SubscriberStatus, SubscriberStatus]](),
}

_CLOSINGS: Final = {
    ConsentSource.READER: frozenset({SubscriberStatus.UNSUBSCRIBED}),
    ConsentSource.IMPORT: frozenset(_STRENGTH),
    ConsentSource.MAIL: frozenset({SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED}),
}

WITHDRAWN_STATUSES: Final = frozenset(
    {SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.COMPLAINED}
)
"""Statuses that take every subscription of the reader with them: coming back later, she gets
what she then asks for and not what she once had."""


def may_receive_mail(status: SubscriberStatus) -> bool:
    """Tell whether a reader may be, or is about to be, written to."""
    return status in _OPEN


def next_status(
    current: SubscriberStatus, wanted: SubscriberStatus, cause: ConsentSource
) -> SubscriberStatus:
    """Return the status to store when `cause` wants `wanted`.

    It is `current` where nothing changes: it is so already, or the record is closed on a
    stronger ground. Raises `RefusedTransitionError` where the table has no such arrow.
    """
    if wanted is current or (current, wanted) in _OPENINGS[cause]:
        return wanted
    if wanted not in _CLOSINGS[cause]:
        raise RefusedTransitionError(current, wanted, cause)
    return max(current, wanted, key=lambda status: _STRENGTH.get(status, 0))
