"""How many of the latest mails that ask for a confirmation went wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from publisher.delivery.states import DeliveryState
from publisher.notices.kinds import NoticeKind
from publisher.notices.tables import notice
from subscribers import SubscriberStatus
from subscribers.tables import subscriber

_CLOSED = (SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED)


def count_failed_confirmations(connection: Connection, latest: int, since: datetime) -> int:
    """Return how many of the latest mails since an instant bounced or were complained about.

    A mail that came back later counts as well: its subscriber is suppressed by then.
    """
    of_kind = (
        select(notice.c.state, subscriber.c.status)
        .join_from(notice, subscriber, notice.c.subscriber_id == subscriber.c.id)
        .where(notice.c.kind == NoticeKind.CONFIRM, notice.c.due_at >= since)
        .order_by(notice.c.id.desc())
        .limit(latest)
        .subquery()
    )
    failed = (of_kind.c.state == DeliveryState.BOUNCED) | of_kind.c.status.in_(_CLOSED)
    return connection.execute(
        select(func.count()).select_from(of_kind).where(failed)
    ).scalar_one()
