"""The queue of what is sent to one receiver and tried again: mails to one person, webhooks, pings of hubs.

A row is written in the transaction of what it is about; the room that has its `kind` sends it. Who sends reserves
rows first, and commits that; what a killed process has reserved is due again when its lease ends. Each statement
names the epoch that it expects, so the result of a sender whose row was taken over changes nothing.

    enqueue -> pending -> attempting -> an end, in the word of the kind: sent, delivered, accepted, failed ...
                             |  ^
                             v  |
                           deferred
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from publisher.database.dialect import sql
from publisher.database.metadata import UTCDateTime, metadata
from subscribers.tables import subscriber

_KEY = ("kind", "key")
queue_item = sa.Table(
    "queue_item",
    metadata,
    # Never used again: the Message-ID of a mail is made from it.
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text),  # a second row of a kind with this key is not inserted
    # Rows with one target go to one server: a webhook's id, a hub's address.
    sa.Column("target", sa.Text, nullable=False, server_default=""),
    # Whom a mail goes to. Rows end with the person.
    sa.Column("subscriber_id", sa.ForeignKey(subscriber.c.id, ondelete="CASCADE")),
    sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE")),
    # NULL for the person's address and language at the time of sending.
    sa.Column("to_address", sa.Text),
    sa.Column("language", sa.Text),
    sa.Column("payload", sa.JSON, nullable=False),  # what is sent is made from it
    sa.Column("state", sa.Text, nullable=False),
    # The Date of a mail, the time of an event. NULL until a sender has seen the row: not all who enqueue have a clock.
    sa.Column("due_at", UTCDateTime),
    # When it is tried next, or when its lease ends. NULL once nothing is left to be done.
    sa.Column("next_at", UTCDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tried_at", UTCDateTime),  # the first attempt
    # How often it was sent again although it may have arrived.
    sa.Column("doubts", sa.Integer, nullable=False, server_default="0"),
    # Grows with each change of who may write the row.
    sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
    # A key of `delivery.causes`; the words of a server, or why there was no answer.
    sa.Column("reason_key", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("changed_at", UTCDateTime),
    sa.UniqueConstraint(*_KEY),
    info=sql.IDS_NEVER_REUSED | sql.CLEANED_EARLY,
)
_c = queue_item.c
# What is due, and what has ended (NULL) and is old.
sa.Index("ix_queue_item_kind_next_at", _c.kind, _c.next_at, _c.changed_at)
# The latest of a kind, and of a target.
sa.Index("ix_queue_item_kind_id", _c.kind, _c.id)
sa.Index("ix_queue_item_kind_target", _c.kind, _c.target, _c.id)
sa.Index("ix_queue_item_subscriber_id", _c.subscriber_id)
sa.Index("ix_queue_item_account_id", _c.account_id)

PENDING, DEFERRED, ATTEMPTING = "pending", "deferred", "attempting"
FAILED, IN_DOUBT = "failed", "in_doubt"
# Why a row that a killed process held is tried again, or is in doubt. The key is one of `delivery.causes`.
_INTERRUPTED = "interrupted"
_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # long ago: due at once, whatever the time is


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """How some kinds are tried again.

    `delays` come before the second attempt, the third and so on; the last is repeated; each varies by `jitter`. A row
    is given up after `most_attempts`, or `give_up_after` the first. While its server can't be reached at all, it
    waits for `while_unreachable`. It is sent again `most_doubts` times if it may have arrived. What has ended is kept
    for `keep`, or for good.
    """

    kinds: Sequence[str]
    delays: Sequence[timedelta]
    lease: timedelta
    jitter: float = 0.0
    most_attempts: int | None = None
    give_up_after: timedelta | None = None
    while_unreachable: timedelta | None = None
    most_doubts: int | None = None
    keep: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem:
    """A row of the queue. Of a reserved one, `attempts` counts this attempt, and `epoch` is its fence."""

    id: int
    kind: str
    key: str | None
    target: str
    subscriber_id: int | None
    account_id: int | None
    to_address: str | None
    language: str | None
    payload: Mapping[str, Any]
    state: str
    due_at: datetime | None
    next_at: datetime | None
    attempts: int
    tried_at: datetime | None
    doubts: int
    epoch: int
    reason_key: str | None
    reason: str | None
    changed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.next_at is not None

    @property
    def date(self) -> datetime:
        """The Date of a mail, the time of an event, of a row that a sender has seen."""
        assert self.due_at is not None  # noqa: S101  # see `recover`
        return self.due_at


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an attempt: an end, or with `next_at` another attempt. `payload` replaces the row's."""

    state: str
    next_at: datetime | None = None
    reason_key: str | None = None
    reason: str | None = None
    may_have_arrived: bool = False
    payload: Mapping[str, Any] | None = None


def next_attempt(
    policy: QueuePolicy, item: QueueItem, now: datetime, at_least: timedelta = timedelta(0)
) -> datetime | None:
    """Return when to try a reserved row again, at least after `at_least`; None to give it up. A hash sets the jitter. Pure."""
    if policy.most_attempts is not None and item.attempts >= policy.most_attempts:
        return None
    delay = policy.delays[min(item.attempts, len(policy.delays)) - 1]
    seed = hashlib.sha256(f"{item.key}\n{item.id}\n{item.attempts}".encode()).digest()
    fraction = int.from_bytes(seed[:4], "big") / 2**32
    next_at = now + max(delay * (1 + policy.jitter * fraction), at_least)
    since, longest = item.tried_at or now, policy.give_up_after
    return None if longest is not None and next_at > since + longest else next_at


def retry_later(policy: QueuePolicy, item: QueueItem, now: datetime, reason: str) -> Settlement:
    next_at = next_attempt(policy, item, now)
    return Settlement(FAILED if next_at is None else DEFERRED, next_at, reason=reason)


def enqueue(  # noqa: PLR0913  # the columns of a row
    connection: Connection,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime | None,
    *,
    key: str | None = None,
    target: str = "",
    renews: bool = False,
    **person: Any,
) -> int | None:
    """Have something sent once this commits; return its id. A row of this kind and key stays (None is returned), or `renews`."""
    row = {
        "kind": kind,
        "key": key,
        "target": target,
        "payload": dict(payload),
        "state": PENDING,
        "due_at": now,
        "next_at": now or _AT_ONCE,
        "attempts": 0,
        "tried_at": None,
        "doubts": 0,
        "reason": None,
        "changed_at": now,
        **person,
    }
    if not renews:
        insertion = sql.insert_unless_kept(connection, queue_item, *_KEY)
        return connection.execute(insertion, row).scalar()
    renewal = sql.upsert(connection, queue_item).values(row)
    anew = {**row, "epoch": _c.epoch + 1}
    renewal = renewal.on_conflict_do_update(index_elements=_KEY, set_=anew)
    return connection.execute(renewal.returning(_c.id)).scalar()


IS_WAITING = _c.state.in_((PENDING, DEFERRED))  # open, and reserved by nobody
_IS_OPEN = _c.next_at.is_not(None)


def _is_due(policy: QueuePolicy, now: datetime) -> sa.ColumnElement[bool]:
    return _c.kind.in_(policy.kinds) & IS_WAITING & (_c.next_at <= now)


def has_work(connection: Connection, policy: QueuePolicy, now: datetime) -> bool:
    """Return whether a row is due, was left by a process that ended, or is to be forgotten."""
    is_due = sa.select(_c.id).where(_c.kind.in_(policy.kinds), _c.next_at <= now)
    is_old = sa.select(_c.id).where(_is_old(policy, now))
    queries = (is_due.limit(1), is_old.limit(1))
    return any(connection.execute(query).first() is not None for query in queries)


def count_due_items(connection: Connection, policy: QueuePolicy, now: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(queue_item)
    return connection.scalar(query.where(_is_due(policy, now))) or 0


def due_items(
    connection: Connection, policy: QueuePolicy, now: datetime, limit: int
) -> list[QueueItem]:
    query = sa.select(queue_item).where(_is_due(policy, now))
    return load_items(connection, query.order_by(_c.next_at, _c.id).limit(limit))


def reserve_by_target(
    connection: Connection, policy: QueuePolicy, now: datetime, limit: int
) -> list[QueueItem]:
    """Begin a run: recover and forget, and reserve so many rows of each target, what has waited longest first."""
    recover(connection, policy, now)
    forget(connection, policy, now)
    number = sa.func.row_number().over(partition_by=_c.target, order_by=(_c.next_at, _c.id))
    due = sa.select(_c.id, number.label("number")).where(_is_due(policy, now)).subquery()
    first = sa.select(due.c.id).where(due.c.number <= limit)
    query = sa.select(queue_item).where(_c.id.in_(first)).order_by(_c.next_at, _c.id)
    return reserve(connection, policy, load_items(connection, query), now)


def load_items(connection: Connection, query: Any) -> list[QueueItem]:
    return [QueueItem(**row) for row in connection.execute(query).mappings()]


def reserve(
    connection: Connection, policy: QueuePolicy, items: Iterable[QueueItem], now: datetime
) -> list[QueueItem]:
    """Make due rows `attempting`, in the transaction that read them. Nobody else sends them during the lease."""
    reserved = [
        replace(
            item,
            state=ATTEMPTING,
            attempts=item.attempts + 1,
            tried_at=item.tried_at or now,
            epoch=item.epoch + 1,
        )
        for item in items
    ]
    connection.execute(
        sa.update(queue_item)
        .where(_c.id.in_([item.id for item in reserved]), IS_WAITING)
        .values(
            state=ATTEMPTING,
            next_at=now + policy.lease,
            changed_at=now,
            attempts=_c.attempts + 1,
            tried_at=sa.func.coalesce(_c.tried_at, sa.literal(now, UTCDateTime)),
            epoch=_c.epoch + 1,
        )
    )
    return reserved


def settle(
    connection: Connection, item: QueueItem, settlement: Settlement, now: datetime
) -> bool:
    """Write the result of an attempt of a reserved row. Returns False if it was not ours any more."""
    values = _values(settlement, now)
    return _change(
        connection, item, {**values, "doubts": item.doubts + settlement.may_have_arrived}
    )


def _values(settlement: Settlement, now: datetime) -> dict[str, Any]:
    values = asdict(settlement) | {"changed_at": now}
    left_out = {"may_have_arrived"} | ({"payload"} if settlement.payload is None else set())
    return {name: value for name, value in values.items() if name not in left_out}


def release(
    connection: Connection,
    item: QueueItem,
    now: datetime,
    until: datetime | None = None,
    reason: str | None = None,
) -> bool:
    """Return a reserved row that was certainly not sent; it is due as before, or at `until`. False if it has another owner."""
    before: dict[str, Any] = {"attempts": item.attempts - 1, "next_at": until or item.next_at}
    if item.attempts == 1:
        before["tried_at"] = None
    if reason is not None or item.attempts == 1:
        before["reason"] = reason
    state = DEFERRED if item.attempts > 1 else PENDING
    return _change(connection, item, {**before, "state": state, "changed_at": now})


def _change(connection: Connection, item: QueueItem, values: Mapping[str, Any]) -> bool:
    ours = (_c.id == item.id) & (_c.epoch == item.epoch) & (_c.state == ATTEMPTING)
    return connection.execute(sa.update(queue_item).where(ours).values(values)).rowcount == 1


def postpone(connection: Connection, item: QueueItem, until: datetime) -> None:
    connection.execute(sa.update(queue_item).where(_c.id == item.id).values(next_at=until))


def postpone_due(
    connection: Connection, policy: QueuePolicy, now: datetime, until: datetime
) -> None:
    due = sa.update(queue_item).where(_is_due(policy, now))
    connection.execute(due.values(next_at=until))


def end_items(
    connection: Connection, which: sa.ColumnElement[bool], settlement: Settlement, now: datetime
) -> int:
    values = _values(settlement, now) | {"epoch": _c.epoch + 1}
    return connection.execute(
        sa.update(queue_item).where(which, _IS_OPEN).values(values)
    ).rowcount


def give_up_old(
    connection: Connection, policy: QueuePolicy, settlement: Settlement, now: datetime
) -> int:
    if policy.give_up_after is None:
        return 0
    late = _c.kind.in_(policy.kinds) & IS_WAITING & (_c.due_at <= now - policy.give_up_after)
    return end_items(connection, late, settlement, now)


def recover(connection: Connection, policy: QueuePolicy, now: datetime) -> tuple[int, int]:
    """Take over rows whose lease has ended; return how many are sent again, and how many are in doubt."""
    unseen = sa.update(queue_item).where(_c.kind.in_(policy.kinds), _c.next_at == _AT_ONCE)
    connection.execute(unseen.values(due_at=now, next_at=now, changed_at=now))
    left = _c.kind.in_(policy.kinds) & (_c.state == ATTEMPTING) & (_c.next_at <= now)
    doubtful = 0
    if policy.most_doubts is not None:
        ended = Settlement(IN_DOUBT, reason_key=_INTERRUPTED, payload={})
        was_resent = _c.doubts >= policy.most_doubts
        doubtful = end_items(connection, left & was_resent, ended, now)
    again: dict[str, Any] = {"state": PENDING, "epoch": _c.epoch + 1, "doubts": _c.doubts + 1}
    again |= {"next_at": now, "reason_key": _INTERRUPTED, "reason": None, "changed_at": now}
    return connection.execute(
        sa.update(queue_item).where(left).values(again)
    ).rowcount, doubtful


def forget(connection: Connection, policy: QueuePolicy, now: datetime) -> int:
    return connection.execute(sa.delete(queue_item).where(_is_old(policy, now))).rowcount


def _is_old(policy: QueuePolicy, now: datetime) -> sa.ColumnElement[bool]:
    if policy.keep is None:
        return sa.false()
    return (
        _c.kind.in_(policy.kinds) & _c.next_at.is_(None) & (_c.changed_at < now - policy.keep)
    )


def count_item_states(
    connection: Connection, policy: QueuePolicy, target: str | None = None
) -> dict[str, int]:
    query = (
        sa.select(_c.state, sa.func.count()).where(_c.kind.in_(policy.kinds)).group_by(_c.state)
    )
    if target is not None:
        query = query.where(_c.target == target)
    return {state: count for state, count in connection.execute(query)}  # noqa: C416  # a Row is no pair
