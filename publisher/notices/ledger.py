"""The rows of notices: enqueue and cancel them, reserve them before they are sent, write results.

Enqueuing and cancelling is in the caller's transaction. A notice becomes `attempting`, and that is
committed, before its message leaves. What a killed process held is sent again, once, under the same
Message-ID: a confirmation that comes twice is better than none. Each statement names the state and
epoch that it expects. Outcomes are counted: of all, and of the latest mails that ask for a
confirmation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, literal, select, update

from publisher.database.metadata import UTCDateTime
from publisher.delivery.causes import INTERRUPTED, MAIL_REJECTED, NO_LONGER_ASKED_FOR, Cause
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import CLAIMABLE_STATES, OPEN_STATES, DeliveryState
from publisher.delivery.tables import send_lease
from publisher.notices.kinds import NoticeKind, NoticeValues, check_values
from publisher.notices.tables import notice
from subscribers import Recipient, SubscriberStatus
from subscribers.tables import consent_record, subscriber

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


# Networks that say nothing of who asked: mail, and a proxy that does not name its client.
_NO_NETWORK = frozenset({None, "", "127.0.0.0/24", "::/48"})
_CLOSED = (SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED)


def count_failed_confirmations(connection: Connection, latest: int, since: datetime) -> int:
    """Return how many of the latest mails since an instant bounced or were complained about.

    A mail that came back later counts as well: its subscriber is suppressed by then. Those of one
    network count once, so that nobody alone can stop the form for all.
    """
    of_kind = (
        select(notice.c.state, subscriber.c.status, consent_record.c.network)
        .join_from(notice, subscriber, notice.c.subscriber_id == subscriber.c.id)
        .outerjoin(
            consent_record,
            (consent_record.c.subscriber_id == subscriber.c.id)
            & (consent_record.c.at == notice.c.due_at),
        )
        .where(notice.c.kind == NoticeKind.CONFIRM, notice.c.due_at >= since)
        .order_by(notice.c.id.desc())
        .limit(latest)
        .subquery()
    )
    failed = (of_kind.c.state == DeliveryState.BOUNCED) | of_kind.c.status.in_(_CLOSED)
    networks = connection.execute(select(of_kind.c.network).where(failed)).scalars().all()
    named = [one for one in networks if one not in _NO_NETWORK]
    return len({*named}) + len(networks) - len(named)


_IS_WAITING = notice.c.state.in_(CLAIMABLE_STATES)
_IS_HELD = notice.c.state == DeliveryState.ATTEMPTING
_FIELDS = ("id", "kind", "content", "due_at", "next_at", "tried_at", "attempts", "epoch")


@dataclass(frozen=True, slots=True)
class QueuedNotice:
    """A row of the ledger, and whom it goes to.

    `language` is a tag that the publication may not serve. `has_own_address` says that it goes to the
    subscriber's address and not to another.
    """

    id: int
    kind: NoticeKind
    content: NoticeValues
    due_at: datetime
    next_at: datetime
    tried_at: datetime | None
    attempts: int
    epoch: int
    was_resent: bool
    language: str
    recipient: Recipient
    has_own_address: bool

    @property
    def domain(self) -> str:
        """The receiving domain."""
        return self.recipient.address.rpartition("@")[2].lower()


def has_work(connection: Connection, now: datetime) -> bool:
    """Return whether a notice is due, or was left by another process."""
    due = _IS_WAITING & (notice.c.next_at <= now)
    return (
        connection.execute(select(notice.c.id).where(due | _IS_HELD).limit(1)).first()
        is not None
    )


def count_due_notices(connection: Connection, now: datetime) -> int:
    """Return how many notices are due."""
    query = select(func.count()).select_from(notice)
    return connection.scalar(query.where(_IS_WAITING, notice.c.next_at <= now)) or 0


def due_notices(connection: Connection, now: datetime, limit: int) -> list[QueuedNotice]:
    """Return the first notices that are due, the oldest first."""
    person = subscriber.c["address", "name", "timezone", "generation"]
    query = (
        select(notice, *person, subscriber.c.language.label("own_language"))
        .join(subscriber, subscriber.c.id == notice.c.subscriber_id)
        .where(_IS_WAITING, notice.c.next_at <= now)
        .order_by(notice.c.next_at, notice.c.id)
        .limit(limit)
    )
    return [_queued(row) for row in connection.execute(query)]


def _queued(row: Any) -> QueuedNotice:
    language = row.language or row.own_language
    return QueuedNotice(
        **{name: getattr(row, name) for name in _FIELDS if name != "kind"},
        kind=NoticeKind(row.kind),
        was_resent=row.was_resent,
        language=language,
        recipient=Recipient(
            id=row.subscriber_id,
            address=row.to_address or row.address,
            name=row.name,
            language=language,
            timezone=row.timezone,
            generation=row.generation,
        ),
        has_own_address=row.to_address is None,
    )


def cancel_unwanted(connection: Connection, now: datetime) -> int:
    """Cancel waiting notices to subscribers who reported our mail as spam. Returns how many."""
    complained = exists().where(
        subscriber.c.id == notice.c.subscriber_id,
        subscriber.c.status == SubscriberStatus.COMPLAINED,
    )
    cancelled = update(notice).where(_IS_WAITING, complained)
    return connection.execute(
        cancelled.values(
            state=DeliveryState.CANCELLED,
            epoch=notice.c.epoch + 1,
            content={},
            reason_key=NO_LONGER_ASKED_FOR.key,
            changed_at=now,
        )
    ).rowcount


def reserve_notices(
    connection: Connection, rows: Collection[QueuedNotice], lease_id: int, now: datetime
) -> None:
    """Make due notices `attempting`, in the transaction that read them."""
    begun = update(notice).where(notice.c.id.in_([row.id for row in rows]), _IS_WAITING)
    connection.execute(
        begun.values(
            state=DeliveryState.ATTEMPTING,
            epoch=notice.c.epoch + 1,
            lease_id=lease_id,
            attempts=notice.c.attempts + 1,
            tried_at=func.coalesce(notice.c.tried_at, literal(now, UTCDateTime)),
            changed_at=now,
        )
    )


def postpone_notice(connection: Connection, row: QueuedNotice, until: datetime) -> None:
    """Let a notice wait for a rate limit. Its time to be given up is not moved."""
    connection.execute(update(notice).where(notice.c.id == row.id).values(next_at=until))


def settle_notice(
    connection: Connection, row: QueuedNotice, change: StateChange, now: datetime
) -> bool:
    """Write the result of an attempt of a reserved row. Returns False if it was not ours any more.

    A secret code is deleted once no further attempt needs it.
    """
    values: dict[str, Any] = {
        "state": change.state,
        "reason_key": change.reason_key,
        "reason": change.reason,
        "next_at": change.next_at or row.next_at,
        "was_resent": row.was_resent,
        "changed_at": now,
    }
    if change.state not in OPEN_STATES:
        values["content"] = {k: v for k, v in row.content.items() if k != "code"}
    settled = update(notice).where(
        notice.c.id == row.id, notice.c.epoch == row.epoch + 1, _IS_HELD
    )
    return connection.execute(settled.values(values)).rowcount == 1


def return_notice(connection: Connection, row: QueuedNotice, now: datetime) -> bool:
    """Return a reserved row whose message was certainly not sent. False if it has another owner."""
    returned = connection.execute(
        update(notice)
        .where(notice.c.id == row.id, notice.c.epoch == row.epoch + 1, _IS_HELD)
        .values(
            state=DeliveryState.PENDING,
            attempts=row.attempts,
            tried_at=row.tried_at,
            changed_at=now,
        )
    )
    return bool(returned.rowcount)


def recover_notices(connection: Connection, now: datetime) -> tuple[int, int]:
    """Take over rows whose lease has ended. Returns how many are sent again, and how many are in doubt."""
    left = update(notice).where(_IS_HELD, notice.c.lease_id.not_in(select(send_lease.c.id)))
    shared = {"epoch": notice.c.epoch + 1, "reason_key": INTERRUPTED.key, "changed_at": now}
    again = left.where(notice.c.was_resent.is_(False)).values(
        state=DeliveryState.PENDING, was_resent=True, next_at=now, **shared
    )
    doubtful = left.values(state=DeliveryState.IN_DOUBT, content={}, **shared)
    return connection.execute(again).rowcount, connection.execute(doubtful).rowcount


def give_up_notices(
    connection: Connection, before: datetime, cause: Cause, words: str, now: datetime
) -> int:
    """Fail the notices that have waited since before an instant. Returns how many."""
    late = update(notice).where(_IS_WAITING, notice.c.due_at <= before)
    return connection.execute(
        late.values(
            state=DeliveryState.FAILED,
            epoch=notice.c.epoch + 1,
            content={},
            reason_key=cause.key,
            reason=words,
            changed_at=now,
        )
    ).rowcount


def delete_finished(connection: Connection, before: datetime) -> int:
    """Delete notices that ended before an instant. Returns how many."""
    ended = delete(notice).where(
        notice.c.state.not_in(OPEN_STATES), notice.c.changed_at < before
    )
    return connection.execute(ended).rowcount


def count_rejected(connection: Connection) -> dict[str, int]:
    """Count the notices that wait for a template to be mended, by what is wrong with it."""
    is_rejected = (notice.c.state == DeliveryState.DEFERRED) & (
        notice.c.reason_key == MAIL_REJECTED.key
    )
    rows = connection.execute(
        select(notice.c.reason, func.count()).where(is_rejected).group_by(notice.c.reason)
    )
    return {str(reason): count for reason, count in rows}


def count_notices(connection: Connection) -> dict[DeliveryState, int]:
    """Count all notices by state."""
    rows = connection.execute(select(notice.c.state, func.count()).group_by(notice.c.state))
    return {DeliveryState(state): count for state, count in rows}
