"""Why subscribers on record get a newsletter, or get nothing of it: counts that add up to all.

Who gets something is decided by `audiences`; here the others are counted by reason.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from subscribers.audiences import gets_newsletter, is_paused
from subscribers.model import SubscriberStatus
from subscribers.tables import preference, subscriber, subscription

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


class Standing(StrEnum):
    """What a subscriber is to one newsletter, or to a digest of it, at an instant."""

    RECIPIENT = "recipient"
    # All mails are paused.
    PAUSED = "paused"
    # The newsletter is subscribed at another cadence.
    OTHER_CADENCE = "other-cadence"
    # The newsletter, or the record, waits for a confirmation.
    PENDING = "pending"
    # The newsletter, or all mail, was unsubscribed.
    LEFT = "left"
    NOT_SUBSCRIBED = "not-subscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


_OF_RECORD = {
    SubscriberStatus.PENDING: Standing.PENDING,
    SubscriberStatus.UNSUBSCRIBED: Standing.LEFT,
    SubscriberStatus.BOUNCED: Standing.BOUNCED,
    SubscriberStatus.COMPLAINED: Standing.COMPLAINED,
}


def count_standings(
    connection: Connection, newsletter: str, now: datetime
) -> Counter[Standing]:
    """Count all subscribers on record by what they are to `newsletter`, a name or a digest's key.

    Each query follows an index, which is faster than one query that sorts all subscribers.
    """
    found: Counter[Standing] = Counter()
    records = select(subscriber.c.status, func.count()).group_by(subscriber.c.status)
    for status, count in connection.execute(records):
        found[_OF_RECORD.get(status, Standing.NOT_SUBSCRIBED)] += count
    for standing, count in _count_subscriptions(connection, newsletter).items():
        found[standing] += count
        found[Standing.NOT_SUBSCRIBED] -= count
    paused = _count_paused(connection, newsletter, now)
    found[Standing.PAUSED] += paused
    found[Standing.RECIPIENT] -= paused
    return found


def _count_subscriptions(connection: Connection, newsletter: str) -> Counter[Standing]:
    """Count the subscriptions to a newsletter of records that are active, by what they mean."""
    name, _, cadence = newsletter.partition(".")
    columns = subscription.c["status", "cadence"]
    all_of_them = (
        select(*columns, func.count().label("total"))
        .where(subscription.c.newsletter == name)
        .group_by(*columns)
    )
    # Fewer than those of active records, so they are looked up and subtracted.
    closed = select(subscriber.c.id).where(subscriber.c.status.in_([*_OF_RECORD]))
    found: Counter[Standing] = Counter()
    for sign, query in (
        (1, all_of_them),
        (-1, all_of_them.where(subscription.c.subscriber_id.in_(closed))),
    ):
        for row in connection.execute(query):
            standing = _OF_RECORD.get(row.status, Standing.RECIPIENT)
            if standing is Standing.RECIPIENT and (row.cadence or "") != cadence:
                standing = Standing.OTHER_CADENCE
            found[standing] += sign * row.total
    return found


def _count_paused(connection: Connection, newsletter: str, now: datetime) -> int:
    query = select(func.count()).select_from(subscription.join(subscriber))
    with_pause = select(preference.c.subscriber_id).where(preference.c.paused_until > now)
    paused = query.where(
        gets_newsletter(newsletter),
        is_paused(subscriber.c.id, now),
        # Few, so that only they are looked up.
        subscription.c.subscriber_id.in_(with_pause),
    )
    return connection.execute(paused).scalar_one()
