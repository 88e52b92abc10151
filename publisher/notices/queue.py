"""Enqueue notices and cancel them, in the caller's transaction, and count their outcomes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection, insert, select, update

from publisher.delivery.causes import NO_LONGER_ASKED_FOR
from publisher.delivery.states import CLAIMABLE_STATES, DeliveryState
from publisher.notices.kinds import NoticeKind, NoticeValues, check_values
from publisher.notices.tables import notice

# Kinds that go to an address which is not the subscriber's yet, or no more.
_TO_OTHER_ADDRESSES = frozenset({NoticeKind.CONFIRM_ADDRESS, NoticeKind.ADDRESS_CHANGED})
_NO_VALUES: NoticeValues = MappingProxyType({})
_INSERTED = insert(notice)


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
    row = {
        "kind": kind,
        "subscriber_id": subscriber_id,
        "to_address": to,
        "language": language,
        "content": dict(values),
        "state": DeliveryState.PENDING,
        "was_resent": False,
        "due_at": now,
        "next_at": now,
        "changed_at": now,
    }
    key = connection.execute(_INSERTED, row).inserted_primary_key
    assert key is not None  # noqa: S101  # every database returns it
    return int(key[0])


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
    """Return the notice with this id, or None."""
    row = connection.execute(select(notice).where(notice.c.id == number)).one_or_none()
    if row is None:
        return None
    kind, number = NoticeKind(row.kind), row.content.get("number", 0)
    # Other addresses are forgotten after some days.
    is_own = row.to_address is None and kind not in _TO_OTHER_ADDRESSES
    return SentNotice(kind, row.subscriber_id, number, is_own)


def cancel_notices(
    connection: Connection, subscriber_id: int, kinds: Collection[NoticeKind], now: datetime
) -> int:
    """Cancel the notices of some kinds that wait, because what they say has ended. Returns how many."""
    waiting = update(notice).where(
        notice.c.subscriber_id == subscriber_id,
        notice.c.kind.in_(kinds),
        notice.c.state.in_(CLAIMABLE_STATES),
    )
    cancelled = waiting.values(
        state=DeliveryState.CANCELLED,
        epoch=notice.c.epoch + 1,
        content={},
        reason_key=NO_LONGER_ASKED_FOR.key,
        reason=None,
        changed_at=now,
    )
    return connection.execute(cancelled).rowcount


def forget_notice_addresses(connection: Connection, before: datetime) -> None:
    """Delete the addresses of notices that were settled before an instant, if not the subscriber's."""
    settled = update(notice).where(
        notice.c.to_address.is_not(None),
        notice.c.changed_at <= before,
        notice.c.state.not_in([*CLAIMABLE_STATES, DeliveryState.ATTEMPTING]),
    )
    connection.execute(settled.values(to_address=None))
