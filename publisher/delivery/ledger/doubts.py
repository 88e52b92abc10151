"""Rows in doubt: messages that may have been accepted. An operator decides them, by the Message-ID in the server's log."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, exists, select, update

from publisher.database.engine import chunks
from publisher.delivery.causes import MARKED_AS_SENT, cause_of
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.claims import NEW_EPOCH, in_states
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState, check_transition
from publisher.issues.tables import issue_table
from subscribers.audiences import load_recipients

# A new epoch: the run that has sent it before can't settle it any more. No reason: it asked for what is decided now.
_SEND_AGAIN = {
    "state": DeliveryState.PENDING,
    "epoch": NEW_EPOCH,
    "reason": None,
    "reason_key": None,
}


# Processes that ran when another secret was adopted are taken to be started again by then.
_RESTARTED_AFTER = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One delivery in doubt. The address is None if the subscriber was erased."""

    issue_id: int
    subscriber_id: int
    address: str | None
    since: datetime
    tried_at: datetime | None
    attempts: int
    reason_key: str | None
    words: str

    def is_of(self, adopted_at: datetime | None) -> bool:
        # A service works with its former secret until it is started again.
        sure = adopted_at and adopted_at + _RESTARTED_AFTER
        return not sure or bool(self.tried_at and self.tried_at > sure)

    @property
    def reason(self) -> str:
        return cause_of(self.reason_key).explain(self.words)

    @property
    def advice(self) -> str:
        return cause_of(self.reason_key).advice


def issues_in_doubt(connection: Connection) -> list[Issue]:
    doubtful = exists().where(
        delivery.c.issue_id == issue_table.c.id, in_states(DeliveryState.IN_DOUBT)
    )
    numbers = connection.execute(select(issue_table.c.id).where(doubtful)).scalars().all()
    return issues.issues_by_ids(connection, numbers)


def list_doubts(connection: Connection, issue: Issue) -> list[Doubt]:
    columns = ("subscriber_id", "changed_at", "tried_at", "attempts", "reason_key", "reason")
    query = (
        select(*delivery.c[columns])
        .where(delivery.c.issue_id == issue.id, in_states(DeliveryState.IN_DOUBT))
        .order_by(delivery.c.subscriber_id)
    )
    rows = connection.execute(query).all()
    ids = [row.subscriber_id for row in rows]
    addresses = {
        one.id: one.address for some in chunks(ids) for one in load_recipients(connection, some)
    }
    return [
        Doubt(issue.id, number, addresses.get(number), since, tried, attempts, key, words or "")
        for number, since, tried, attempts, key, words in rows
    ]


def resend_doubts(
    connection: Connection, issue: Issue, subscribers: Collection[int] | None, now: datetime
) -> int:
    """Send rows in doubt again, all or those of some subscribers; return how many. Raise TransitionError for a cancelled issue."""
    if issue.state is IssueState.CANCELLED:
        check_transition(issue.state, IssueState.SENDING)
    changes = _SEND_AGAIN | {"next_at": now, "tried_at": None}
    return _decide(connection, issue, subscribers, changes, now)


def retry_doubts(
    connection: Connection, issue: Issue, most: int, give_up_after: timedelta, now: datetime
) -> int:
    """Send rows in doubt again by policy, unless tried more than `most` times or for too long."""
    statement = _decided(issue, _SEND_AGAIN | {"next_at": now}, now).where(
        delivery.c.attempts <= most, delivery.c.tried_at > now - give_up_after
    )
    return connection.execute(statement).rowcount


def mark_doubts_sent(
    connection: Connection, issue: Issue, subscribers: Collection[int] | None, now: datetime
) -> int:
    changes = {"state": DeliveryState.SENT, "reason": None, "reason_key": MARKED_AS_SENT.key}
    return _decide(connection, issue, subscribers, changes, now)


def _decided(issue: Issue, changes: dict[str, Any], now: datetime) -> Update:
    in_doubt = (delivery.c.issue_id == issue.id) & in_states(DeliveryState.IN_DOUBT)
    return update(delivery).where(in_doubt).values(changes | {"changed_at": now})


def _decide(
    connection: Connection,
    issue: Issue,
    subscribers: Collection[int] | None,
    changes: dict[str, Any],
    now: datetime,
) -> int:
    decided = _decided(issue, changes, now)
    if subscribers is None:
        moved = connection.execute(decided).rowcount
    else:
        of = delivery.c.subscriber_id
        some = (decided.where(of.in_(ids)) for ids in chunks(sorted(subscribers)))
        moved = sum(connection.execute(statement).rowcount for statement in some)
    if moved:
        lifecycle.reconcile_issues(connection, [issue.id], now)
    return moved
