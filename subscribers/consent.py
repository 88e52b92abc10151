"""The rules of consent: which status may follow which, and who may change it. Pure.

Everybody may close a subscriber's record, and a stronger reason for closing replaces a weaker one,
never the reverse. Only the subscriber can reopen it, and only to `pending`, until a confirmation
from the subscriber's own mailbox. A complaint is final: the subscriber told the mail provider
that our mail is unwanted. Every change of a status goes through `next_status`.
"""

from __future__ import annotations

from typing import Final

from subscribers.errors import RefusedTransitionError
from subscribers.model import ConsentSource, SubscriberStatus

# How strong a reason for not writing is: a bounce is about a mailbox, leaving is a wish, and a
# complaint means that somebody ignored the wish.
_STRENGTH: Final = {
    SubscriberStatus.BOUNCED: 1,
    SubscriberStatus.UNSUBSCRIBED: 2,
    SubscriberStatus.COMPLAINED: 3,
}

_OPEN: Final = frozenset({SubscriberStatus.PENDING, SubscriberStatus.ACTIVE})

# Changes other than closing, which `_STRENGTH` decides.
_OPENINGS: Final = {
    ConsentSource.SUBSCRIBER: frozenset(
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
    ConsentSource.SUBSCRIBER: frozenset({SubscriberStatus.UNSUBSCRIBED}),
    ConsentSource.IMPORT: frozenset(_STRENGTH),
    ConsentSource.MAIL: frozenset({SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED}),
}

WITHDRAWN_STATUSES: Final = frozenset(
    {SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.COMPLAINED}
)
"""Statuses that end every subscription. Somebody who comes back later gets only what they then
ask for."""


def may_receive_mail(status: SubscriberStatus) -> bool:
    """Return whether mail may be sent, now or after a confirmation."""
    return status in _OPEN


def next_status(
    current: SubscriberStatus, wanted: SubscriberStatus, source: ConsentSource
) -> SubscriberStatus:
    """Return the status to store when `source` asks for `wanted`.

    It is `current` if nothing changes, or if the record is closed for a stronger reason. Raise
    `RefusedTransitionError` for a change that `source` may not make.
    """
    if wanted is current or (current, wanted) in _OPENINGS[source]:
        return wanted
    if wanted not in _CLOSINGS[source]:
        raise RefusedTransitionError(current, wanted, source)
    return max(current, wanted, key=lambda status: _STRENGTH.get(status, 0))
