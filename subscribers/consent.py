"""The rules of consent: which status may follow which, and who may change it. Pure.

Everybody may close a subscriber's record, and a stronger reason for closing replaces a weaker one, never the reverse.
The subscriber can reopen it, but only to `pending`, until a confirmation from the subscriber's own mailbox; the link
that takes back a leaving is one. The owner can, on the subscriber's word, undo an unsubscription or a bounce; what was
not confirmed before is not confirmed then. A complaint is final: the subscriber told the mail provider that our mail is
unwanted. Every change of a status goes through `next_status`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

from subscribers.errors import LostSubscriptionsError, RefusedTransitionError
from subscribers.model import ConsentSource, Subscriber, SubscriberEvent, SubscriberStatus

# How strong a reason for not writing is: a bounce is about a mailbox, leaving is a wish, and a
# complaint means that somebody ignored the wish.
_STRENGTH: Final = {
    SubscriberStatus.BOUNCED: 1,
    SubscriberStatus.UNSUBSCRIBED: 2,
    SubscriberStatus.COMPLAINED: 3,
}

# Of the two states of one newsletter, the later in this list holds after a merge.
_UNION_ORDER: Final = [
    SubscriberStatus.PENDING,
    SubscriberStatus.ACTIVE,
    SubscriberStatus.UNSUBSCRIBED,
]

_OPEN: Final = frozenset({SubscriberStatus.PENDING, SubscriberStatus.ACTIVE})

# Changes other than closing, which `_STRENGTH` decides.
_OPENINGS: Final = {
    ConsentSource(source): frozenset(
        (SubscriberStatus(before), SubscriberStatus(after))
        for before, after in map(str.split, changes)
    )
    for source, changes in {
        "subscriber": ("pending active", "bounced pending", "unsubscribed pending"),
        "owner": (
            *("bounced active", "bounced pending"),
            *("unsubscribed active", "unsubscribed pending"),
        ),
        "import": ("pending active",),
        "mail": (),
    }.items()
}

_CLOSINGS: Final = {
    ConsentSource.SUBSCRIBER: frozenset({SubscriberStatus.UNSUBSCRIBED}),
    ConsentSource.OWNER: frozenset({SubscriberStatus.UNSUBSCRIBED}),
    ConsentSource.IMPORT: frozenset(_STRENGTH),
    ConsentSource.MAIL: frozenset(_STRENGTH),
}

# Messages for refusals of the owner, instead of the general one.
_OWNER_REFUSALS: Final = {
    SubscriberStatus.PENDING: "only the subscriber can confirm, by the link in the mail that "
    "asks for it",
    SubscriberStatus.COMPLAINED: "the subscriber reported the mail as spam, which is final",
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
        why = _OWNER_REFUSALS.get(current, "") if source is ConsentSource.OWNER else ""
        raise RefusedTransitionError(current, wanted, source, why)
    return max(current, wanted, key=lambda status: _STRENGTH.get(status, 0))


def close_record(
    person: Subscriber, wanted: SubscriberStatus, source: ConsentSource
) -> Subscriber:
    """Return a subscriber whose record `source` closes. Raise `RefusedTransitionError`."""
    status = next_status(person.status, wanted, source)
    states = person.subscriptions
    if status in WITHDRAWN_STATUSES:
        states = dict.fromkeys(states, SubscriberStatus.UNSUBSCRIBED)
    return replace(person, status=status).with_subscriptions(states)


def leave_newsletter(person: Subscriber, newsletter: str, source: ConsentSource) -> Subscriber:
    """Return a subscriber who left one newsletter, also one that was never subscribed."""
    states = person.subscriptions
    wanted = SubscriberStatus.UNSUBSCRIBED
    states[newsletter] = next_status(states.get(newsletter, wanted), wanted, source)
    return person.with_subscriptions(states)


def with_choice(person: Subscriber, wanted: Mapping[str, bool]) -> Subscriber:
    """Return a subscriber who chose newsletters by a link that only the own mailbox received.

    True subscribes and False leaves; newsletters that are not named stay as they are. The link proves the mailbox, so
    subscribing is also the confirmation. Raise `RefusedTransitionError` after a complaint.
    """
    states, status = person.subscriptions, person.status
    for name, is_wanted in wanted.items():
        if is_wanted:
            status = _confirmed(status)
            states[name] = _confirmed(states.get(name, SubscriberStatus.UNSUBSCRIBED))
        elif name in states:
            states[name] = SubscriberStatus.UNSUBSCRIBED
    return replace(person, status=status).with_subscriptions(states)


def merged_record(kept: Subscriber, former: Subscriber, *, is_confirmed: bool) -> Subscriber:
    """Return `kept` with the subscriptions of `former`, who is the same person.

    The stronger refusal holds, for each newsletter and for the record. `is_confirmed` says that
    the person has just opened a link from the mailbox that is kept, so it exists.
    """
    states = dict(former.subscriptions)
    for name, state in kept.subscriptions.items():
        states[name] = max(state, states.get(name, state), key=_UNION_ORDER.index)
    status = SubscriberStatus.ACTIVE if is_confirmed else kept.status
    refusals = {kept.status, former.status} & WITHDRAWN_STATUSES
    if refusals:
        status = max(refusals, key=_STRENGTH.__getitem__)
        states = dict.fromkeys(states, SubscriberStatus.UNSUBSCRIBED)
    return replace(kept, status=status).with_subscriptions(states)


def _confirmed(current: SubscriberStatus) -> SubscriberStatus:
    if current is SubscriberStatus.ACTIVE:
        return current
    waiting = next_status(current, SubscriberStatus.PENDING, ConsentSource.SUBSCRIBER)
    return next_status(waiting, SubscriberStatus.ACTIVE, ConsentSource.SUBSCRIBER)


def take_back_leaving(person: Subscriber, ended: Sequence[SubscriberEvent]) -> Subscriber:
    """Return a subscriber who takes back what ended with one leaving.

    The link for it is in a mail to the subscriber, or on the page right after leaving, so it needs
    no confirmation. What was not confirmed before is not confirmed then. Raise
    `RefusedTransitionError` after a complaint, and if the record was closed before.
    """
    status, states = person.status, person.subscriptions
    for event in ended:
        if event.before is None:  # a newsletter that was never subscribed
            continue
        current = status if event.newsletter is None else states[event.newsletter]
        if event.before is SubscriberStatus.ACTIVE:
            former = _confirmed(current)
        else:
            former = next_status(current, event.before, ConsentSource.SUBSCRIBER)
        if event.newsletter is None:
            status = former
        else:
            states[event.newsletter] = former
    if status in WITHDRAWN_STATUSES:
        raise RefusedTransitionError(status, SubscriberStatus.ACTIVE, ConsentSource.SUBSCRIBER)
    return replace(person, status=status).with_subscriptions(states)


def reopen_record(
    person: Subscriber, newsletter: str | None, events: Sequence[SubscriberEvent]
) -> Subscriber:
    """Return a subscriber whose unsubscription or bounce the owner undoes.

    With `newsletter`, it is subscribed, whatever was before. Without, the subscriptions are
    restored that ended together with the record; `events` show which. Raise `RefusedTransitionError`, or
    `LostSubscriptionsError` if the events show none.
    """
    status = _reopened(person.status, None, events)
    states = person.subscriptions
    if newsletter is not None:
        names = [newsletter]
    elif person.status is SubscriberStatus.UNSUBSCRIBED:
        names = _ended_with_record(events)
        if not names:
            raise LostSubscriptionsError(person.address)
    else:
        names = []
    for name in names:
        current = states.get(name, SubscriberStatus.UNSUBSCRIBED)
        states[name] = _reopened(current, name, events)
    return replace(person, status=status).with_subscriptions(states)


class JoinAnswer(StrEnum):
    """What a request to join leads to: the mail that is sent, if any."""

    CONFIRM = "confirm"
    ALREADY_SUBSCRIBED = "already subscribed"
    NOTHING = "nothing"


def answer_request(
    person: Subscriber | None, newsletters: Collection[str], *, refused: bool
) -> JoinAnswer:
    """Return what a request for newsletters leads to; anybody may have made it.

    `person` is who has the address, None for nobody. `refused` means that the address asked never
    to be written to. A complaint is as final. Only a confirmation changes anything of somebody who
    is subscribed, left or bounced; a mailbox that bounced may work again.
    """
    if refused or (person and person.status is SubscriberStatus.COMPLAINED):
        return JoinAnswer.NOTHING
    if (
        person
        and person.status is SubscriberStatus.ACTIVE
        and set(newsletters) <= set(person.newsletters)
    ):
        return JoinAnswer.ALREADY_SUBSCRIBED
    return JoinAnswer.CONFIRM


def confirm_newsletters(person: Subscriber, newsletters: Collection[str]) -> Subscriber:
    """Return a subscriber who confirmed from the mailbox. Raise `RefusedTransitionError`."""
    states = person.subscriptions
    for name in newsletters:
        states[name] = _confirmed(states.get(name, SubscriberStatus.PENDING))
    return replace(person, status=_confirmed(person.status)).with_subscriptions(states)


def _reopened(
    current: SubscriberStatus, newsletter: str | None, events: Sequence[SubscriberEvent]
) -> SubscriberStatus:
    former = SubscriberStatus.ACTIVE
    if not may_receive_mail(current):
        opens = [one.before for one in events if one.newsletter == newsletter]
        former = next((one for one in reversed(opens) if one in _OPEN), former)
    return next_status(current, former, ConsentSource.OWNER)


def _ended_with_record(events: Sequence[SubscriberEvent]) -> list[str]:
    names: list[str] = []
    for event in events:
        if event.newsletter is None:
            names = []
        elif event.before in _OPEN and event.after is SubscriberStatus.UNSUBSCRIBED:
            names.append(event.newsletter)
    return names
