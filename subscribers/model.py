"""The values that this package speaks in. They do not know where they are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SubscriberStatus(StrEnum):
    """How things stand with a reader, or (the first three) with one of her subscriptions.

    Somebody gets mail while both the reader and the subscription are active.
    """

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class ConsentSource(StrEnum):
    """Who moves a status: the reader herself, a list that is imported, or mail coming back."""

    READER = "reader"
    IMPORT = "import"
    MAIL = "mail"

    @property
    def told(self) -> str:
        """The cause as the subject of a sentence."""
        return {"reader": "the reader", "import": "an import", "mail": "returned mail"}[self]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A reader on record.

    `email` is the identity and `address` what mail is sent to (see `subscribers.addresses`).
    `language` is a canonical BCP 47 tag; `timezone` an IANA key, None when she gave none.
    `newsletters` are those with an active subscription, `pending` those that wait for her
    confirmation, `declined` those that she left; each is sorted and no name is in two of them.
    `id` is 0 until the database has given one.
    """

    id: int
    email: str
    address: str
    name: str
    language: str
    timezone: str | None
    newsletters: tuple[str, ...]
    status: SubscriberStatus
    pending: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()

    @property
    def subscriptions(self) -> dict[str, SubscriberStatus]:
        """The state of each subscription, by newsletter, in the order of their names."""
        states = dict.fromkeys(self.newsletters, SubscriberStatus.ACTIVE)
        states |= dict.fromkeys(self.pending, SubscriberStatus.PENDING)
        states |= dict.fromkeys(self.declined, SubscriberStatus.UNSUBSCRIBED)
        return dict(sorted(states.items()))

    def with_subscriptions(self, states: Mapping[str, SubscriberStatus]) -> Subscriber:
        """Return the same reader with exactly these subscriptions."""

        def having(status: SubscriberStatus) -> tuple[str, ...]:
            return tuple(sorted(name for name, state in states.items() if state is status))

        return replace(
            self,
            newsletters=having(SubscriberStatus.ACTIVE),
            pending=having(SubscriberStatus.PENDING),
            declined=having(SubscriberStatus.UNSUBSCRIBED),
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is needed to write to one reader, and nothing else about her."""

    id: int
    address: str
    name: str
    language: str
    timezone: str | None
