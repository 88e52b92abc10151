"""The values of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum


class SubscriberStatus(StrEnum):
    """The status of a subscriber; the first three are also those of a subscription.

    Mail is sent while both the subscriber and the subscription are active.
    """

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class FieldType(StrEnum):
    """What values a field of the publication's own has. CHOICE has a list of them."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes/no"


class ConsentSource(StrEnum):
    """Who changes a status: the subscriber, the owner for the subscriber, an import, mail that came in.

    Mail with a token of ours is the subscriber's. MAIL is all other: returned mail, complaints, and
    leaving in a mail whose sender our mail server has authenticated.
    """

    SUBSCRIBER = "subscriber"
    OWNER = "owner"
    IMPORT = "import"
    MAIL = "mail"

    @property
    def subject(self) -> str:
        names = {
            "subscriber": "the subscriber",
            "owner": "the owner",
            "import": "an import",
            "mail": "mail that came in",
        }
        return names[self]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber on record.

    `email` is the identity, `address` what mail is sent to (see `subscribers.addresses`).
    `language` is a canonical BCP 47 tag, `timezone` an IANA key or None. `newsletters` are those
    with an active subscription, `pending` those that wait for a confirmation, `declined` those that
    the subscriber left; `fields` are values by name. Each is sorted, and no name is in two of them. `id` is 0 before the
    database assigns one. The generations of the subscriber's links are described in `tables`.
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
    generation: int = 0
    feed_generation: int = 0
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def subscriptions(self) -> dict[str, SubscriberStatus]:
        """The status of each subscription, by newsletter, sorted by name."""
        states = dict.fromkeys(self.newsletters, SubscriberStatus.ACTIVE)
        states |= dict.fromkeys(self.pending, SubscriberStatus.PENDING)
        states |= dict.fromkeys(self.declined, SubscriberStatus.UNSUBSCRIBED)
        return dict(sorted(states.items()))

    def with_subscriptions(self, states: Mapping[str, SubscriberStatus]) -> Subscriber:
        """Return the same subscriber with exactly these subscriptions."""

        def having(status: SubscriberStatus) -> tuple[str, ...]:
            return tuple(sorted(name for name, state in states.items() if state is status))

        return replace(
            self,
            newsletters=having(SubscriberStatus.ACTIVE),
            pending=having(SubscriberStatus.PENDING),
            declined=having(SubscriberStatus.UNSUBSCRIBED),
        )


@dataclass(frozen=True, slots=True)
class SubscriberEvent:
    """One change of consent: when, of which newsletter (None: of all), from what to what, by whom.

    `before` and `after` are None where there is no subscription. `note` is the owner's own text. `id` is
    0 before the event is stored.
    """

    at: datetime
    newsletter: str | None
    before: SubscriberStatus | None
    after: SubscriberStatus | None
    source: ConsentSource
    note: str = ""
    subscriber_id: int = field(default=0, compare=False)
    id: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SubscriptionRecord:
    """One newsletter of a subscriber. `consented_at` is None if the time is not known."""

    newsletter: str
    status: SubscriberStatus
    source: ConsentSource
    consented_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubscriberHistory:
    """When a subscriber was stored, the subscriptions now, and all changes from the first to the last."""

    created_at: datetime
    subscriptions: tuple[SubscriptionRecord, ...]
    events: tuple[SubscriberEvent, ...]


@dataclass(frozen=True, slots=True)
class JoinWish:
    """The newsletters that somebody asks for, at least one, and in which language."""

    newsletters: tuple[str, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a message needs of one subscriber."""

    id: int
    address: str
    name: str
    language: str
    timezone: str | None
    generation: int = 0  # see `tables.subscriber`
