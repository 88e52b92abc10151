"""Merge two records of one person: subscriptions united, the stronger refusal kept.

The record that stays keeps its preferences, and gets the history of the other, whose row is deleted.
Its id stays on record as an alias, since ledger rows and old links have it. The transaction belongs
to the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from subscribers.changes import store_change
from subscribers.consent import merged_record
from subscribers.model import ConsentSource
from subscribers.tables import subscriber, subscriber_alias, subscription

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from subscribers.model import Subscriber


def merge_subscribers(
    connection: Connection,
    records: tuple[Subscriber, Subscriber],
    moved: Collection[Table],
    now: datetime,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
) -> Subscriber:
    """Merge the first of two records into the second, and return the result.

    The rows of `moved`, tables with a column `subscriber_id`, are moved to the second. All other
    rows of the first end with it.
    """
    former, kept = records
    is_confirmed = source is ConsentSource.SUBSCRIBER
    after = merged_record(kept, former, is_confirmed=is_confirmed)
    for table in moved:
        connection.execute(
            update(table)
            .where(table.c.subscriber_id == former.id)
            .values(subscriber_id=kept.id)
        )
    others = former.subscriptions.keys() - kept.subscriptions.keys()
    connection.execute(
        update(subscription)
        .where(subscription.c.subscriber_id == former.id, subscription.c.newsletter.in_(others))
        .values(subscriber_id=kept.id)
    )
    _record_alias(connection, former.id, kept.id, now)
    connection.execute(delete(subscriber).where(subscriber.c.id == former.id))
    united = kept.with_subscriptions(former.subscriptions | kept.subscriptions)
    store_change(
        connection, (united, after), now, source, f"merged with subscriber {former.id}"
    )
    return after


def _record_alias(connection: Connection, former: int, kept: int, now: datetime) -> None:
    earlier = subscriber_alias.c.subscriber_id == former
    connection.execute(update(subscriber_alias).where(earlier).values(subscriber_id=kept))
    connection.execute(
        insert(subscriber_alias).values(former_id=former, subscriber_id=kept, merged_at=now)
    )
