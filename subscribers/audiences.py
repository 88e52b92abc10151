"""Who an issue goes to, as SQL that the ledger builds on.

An audience is a `Select`: it is handed over and inserted from, so a million readers never pass
through Python. Which editions there are, and which language falls to which, is not known here.
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
    """Select the ids, in their order, of those who get `newsletter` in one of `languages`.

    `languages` are tags as stored. The column is called `id`; none of the languages, nobody.
    """
    # The subscription's copy of the id: its index has it in order already, so nothing is sorted.
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
    """Return the condition that the reader `subscriber_id` still wants `newsletter`.

    It is for the `WHERE` of an `UPDATE` or `SELECT` on a table with a column of reader ids:
    between the making of a ledger and the sending, a reader may have left or her address died.
    """
    reader, wish = subscriber.alias(), subscription.alias()
    return exists().where(
        reader.c.id == subscriber_id,
        reader.c.status == SubscriberStatus.ACTIVE,
        wish.c.subscriber_id == reader.c.id,
        wish.c.newsletter == newsletter,
        wish.c.status == SubscriberStatus.ACTIVE,
    )


def count_audience_by_language(connection: Connection, newsletter: str) -> dict[str, int]:
    """Count the readers of `newsletter` by stored language, in the order of the tags."""
    rows = connection.execute(
        select(subscriber.c.language, func.count())
        .select_from(subscription.join(subscriber))
        .where(_wanted(newsletter))
        .group_by(subscriber.c.language)
        .order_by(subscriber.c.language)
    )
    return dict(rows.all())


def load_recipients(connection: Connection, ids: Collection[int]) -> list[Recipient]:
    """Read what is needed to write to one chunk of readers, in the order of their ids.

    Ids that are gone are left out, so the caller sees who was erased. A chunk may hold 30,000
    ids: each is a bound value, and SQLite takes 32,766 of them.
    """
    columns = subscriber.c["id", "address", "name", "language", "timezone"]
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
