"""How many of the latest mails that ask for a confirmation went wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from publisher.delivery.states import DeliveryState
from publisher.notices.kinds import NoticeKind
from publisher.notices.tables import notice
from subscribers import SubscriberStatus
from subscribers.tables import consent_record, subscriber

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
