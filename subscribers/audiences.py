"""The recipients of an issue, as SQL for the ledger.

An audience is a `Select` for `INSERT ... SELECT`, so that a million subscribers never pass through
Python. The caller chooses which languages an edition serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select

from subscribers.model import Recipient, SubscriberStatus
from subscribers.tables import subscriber, subscription

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Connection, Select


def select_audience(newsletter: str, languages: Collection[str]) -> Select[int]:
    """Return a query for the ids, in order, of all who get `newsletter` in one of `languages`.

    `languages` are tags as stored. The column is named `id`.
    """
    # The id in the subscription's index is sorted already, so the database sorts nothing.
    number = subscription.c.subscriber_id
    return (
        select(number.label("id"))
        .select_from(subscription.join(subscriber))
        .where(_wanted(newsletter), subscriber.c.language.in_(sorted(languages)))
        .order_by(number)
    )


def still_wanted(
    newsletter: str | ColumnElement[str], subscriber_id: ColumnElement[int]
) -> ColumnElement[bool]:
    """Return the SQL condition that a subscriber still wants `newsletter`.

    For the `WHERE` of an `UPDATE` or `SELECT` on a table with a column of subscribers' ids. Between
    the opening of a ledger and the sending, a subscriber may unsubscribe, or the address bounce.
    """
    person, wanted = subscriber.alias(), subscription.alias()
    return exists().where(
        person.c.id == subscriber_id,
        person.c.status == SubscriberStatus.ACTIVE,
        wanted.c.subscriber_id == person.c.id,
        wanted.c.newsletter == newsletter,
        wanted.c.status == SubscriberStatus.ACTIVE,
    )


def count_audience_by_language(connection: Connection, newsletter: str) -> dict[str, int]:
    """Return the number of recipients of `newsletter` by stored language, sorted by tag."""
    rows = connection.execute(
        select(subscriber.c.language, func.count())
        .select_from(subscription.join(subscriber))
        .where(_wanted(newsletter))
        .group_by(subscriber.c.language)
        .order_by(subscriber.c.language)
    )
    return dict(rows.all())


def load_recipients(connection: Connection, ids: Collection[int]) -> list[Recipient]:
    """Return the recipients with some ids, at most 30,000, in the order of the ids.

    Subscribers who were erased are missing in the result. Each id is a bound value, and some
    databases accept 32,766 of them.
    """
    columns = subscriber.c["id", "address", "name", "language", "timezone", "generation"]
    rows = connection.execute(
        select(*columns).where(subscriber.c.id.in_(ids)).order_by(subscriber.c.id)
    )
    return [Recipient(*row) for row in rows]


def _wanted(newsletter: str) -> ColumnElement[bool]:
    return (
        (subscriber.c.status == SubscriberStatus.ACTIVE)
        & (subscription.c.newsletter == newsletter)
        & (subscription.c.status == SubscriberStatus.ACTIVE)
    )
