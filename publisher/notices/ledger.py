"""Notices in the queue: enqueued and cancelled in the caller's transaction, read with whom they go to, counted."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Connection, exists, func, select, update

from publisher.database import retry_queue
from publisher.database.retry_queue import QueueItem, QueuePolicy, Settlement, queue_item
from publisher.delivery.causes import MAIL_REJECTED, NO_LONGER_ASKED_FOR
from publisher.delivery.ledger.leases import LEASE_SECONDS
from publisher.delivery.states import DeliveryState
from publisher.notices.kinds import NoticeKind, NoticeValues, check_values
from subscribers.audiences import load_recipients
from subscribers.model import Recipient, SubscriberStatus
from subscribers.tables import consent_record, subscriber

NOTICE_POLICY: Final = QueuePolicy(
    kinds=tuple(NoticeKind),
    # Greylisting lets a second try pass after five minutes, as of deliveries.
    delays=[timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 80, 160, 240)],
    jitter=0.25,
    give_up_after=timedelta(hours=24),  # a link in a notice is of no use for longer
    lease=timedelta(seconds=LEASE_SECONDS),
    most_doubts=1,  # a confirmation that comes twice is better than none
    keep=timedelta(days=90),  # how long it is on record what became of a notice
)
# Kinds that go to an address which is not the subscriber's yet, or no more.
_TO_OTHER_ADDRESSES = frozenset({NoticeKind.CONFIRM_ADDRESS, NoticeKind.ADDRESS_CHANGED})
_NO_VALUES: NoticeValues = MappingProxyType({})
_CANCELLED = Settlement(DeliveryState.CANCELLED, reason_key=NO_LONGER_ASKED_FOR.key, payload={})
_c = queue_item.c
_IS_NOTICE = _c.kind.in_(NOTICE_POLICY.kinds)


def enqueue_notice(  # noqa: PLR0913  # the columns of a row
    connection: Connection,
    kind: NoticeKind,
    subscriber_id: int,
    now: datetime,
    *,
    language: str | None = None,
    to: str | None = None,
    values: NoticeValues = _NO_VALUES,
) -> int:
    """Have a mail sent to a subscriber as soon as this transaction commits. Returns its id.

    `to` and `language` replace the subscriber's own. `values` are those that `kinds` lists for the
    kind; others raise ValueError.
    """
    check_values(kind, values)
    person: dict[str, Any] = {
        "subscriber_id": subscriber_id,
        "to_address": to,
        "language": language,
    }
    number = retry_queue.enqueue(connection, kind, values, now, **person)
    assert number is not None  # noqa: S101  # it has no key
    return number


@dataclass(frozen=True, slots=True)
class SentNotice:
    """What is known of a notice that somebody answers, or a server returns.

    `number` is the row that it was about. `has_own_address` says that it went to the subscriber's
    address and not to another.
    """

    kind: NoticeKind
    subscriber_id: int
    number: int
    has_own_address: bool


def find_notice(connection: Connection, number: int) -> SentNotice | None:
    query = select(queue_item).where(_c.id == number, _IS_NOTICE)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    kind, number = NoticeKind(row.kind), row.payload.get("number", 0)
    # Other addresses are forgotten after some days.
    is_own = row.to_address is None and kind not in _TO_OTHER_ADDRESSES
    return SentNotice(kind, row.subscriber_id, number, is_own)


def cancel_notices(
    connection: Connection, subscriber_id: int, kinds: Collection[NoticeKind], now: datetime
) -> int:
    waiting = (_c.subscriber_id == subscriber_id) & _c.kind.in_(kinds) & retry_queue.IS_WAITING
    return retry_queue.end_items(connection, waiting, _CANCELLED, now)


def cancel_unwanted(connection: Connection, now: datetime) -> int:
    complained = exists().where(
        subscriber.c.id == _c.subscriber_id, subscriber.c.status == SubscriberStatus.COMPLAINED
    )
    waiting = _IS_NOTICE & retry_queue.IS_WAITING & complained
    return retry_queue.end_items(connection, waiting, _CANCELLED, now)


def forget_notice_addresses(connection: Connection, before: datetime) -> None:
    """Delete the addresses of notices that were settled before an instant, if not the subscriber's."""
    settled = update(queue_item).where(
        _IS_NOTICE, _c.to_address.is_not(None), _c.changed_at <= before, _c.next_at.is_(None)
    )
    connection.execute(settled.values(to_address=None))


# Networks that say nothing of who asked: mail, and a proxy that does not name its client.
_NO_NETWORK = frozenset({None, "", "127.0.0.0/24", "::/48"})
_CLOSED = (SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED)


def count_failed_confirmations(connection: Connection, latest: int, since: datetime) -> int:
    """Return how many of the latest mails since an instant bounced or were complained about.

    A mail that came back later counts as well: its subscriber is suppressed by then. Those of one
    network count once, so that nobody alone can stop the form for all.
    """
    of_kind = (
        select(_c.state, subscriber.c.status, consent_record.c.network)
        .join_from(queue_item, subscriber, _c.subscriber_id == subscriber.c.id)
        .outerjoin(
            consent_record,
            (consent_record.c.subscriber_id == subscriber.c.id)
            & (consent_record.c.at == _c.due_at),
        )
        .where(_c.kind == NoticeKind.CONFIRM, _c.due_at >= since)
        .order_by(_c.id.desc())
        .limit(latest)
        .subquery()
    )
    failed = (of_kind.c.state == DeliveryState.BOUNCED) | of_kind.c.status.in_(_CLOSED)
    networks = connection.execute(select(of_kind.c.network).where(failed)).scalars().all()
    named = [network for network in networks if network not in _NO_NETWORK]
    return len({*named}) + len(networks) - len(named)


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """A notice, and whom it goes to: in a language that the publication may not serve.

    `has_own_address` says that it goes to the subscriber's address and not to another.
    """

    id: int
    kind: NoticeKind
    content: NoticeValues
    due_at: datetime
    recipient: Recipient
    has_own_address: bool

    @property
    def language(self) -> str:
        return self.recipient.language


def queued_notices(connection: Connection, items: Sequence[QueueItem]) -> list[QueuedNotice]:
    numbers = {item.subscriber_id or 0 for item in items}
    people = {person.id: person for person in load_recipients(connection, numbers)}
    return [_queued(item, people[item.subscriber_id or 0]) for item in items]


def _queued(item: QueueItem, person: Recipient) -> QueuedNotice:
    address, language = item.to_address or person.address, item.language or person.language
    return QueuedNotice(
        id=item.id,
        kind=NoticeKind(item.kind),
        content=item.payload,
        due_at=item.date,
        recipient=replace(person, address=address, language=language),
        has_own_address=item.to_address is None,
    )


def count_rejected(connection: Connection) -> dict[str, int]:
    is_rejected = (_c.state == DeliveryState.DEFERRED) & (_c.reason_key == MAIL_REJECTED.key)
    query = select(_c.reason, func.count()).where(_IS_NOTICE, is_rejected).group_by(_c.reason)
    return {str(reason): count for reason, count in connection.execute(query)}


def count_notices(connection: Connection) -> dict[DeliveryState, int]:
    counts = retry_queue.count_item_states(connection, NOTICE_POLICY)
    return {DeliveryState(state): count for state, count in counts.items()}
