"""Times in which a subscriber may have missed articles.

Pauses, changes of the cadence and merges are found where they are stored. Others are rows of the table
`interruption`: a leaving that was undone, a change of the language, a mail that was not sent after all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from subscribers.audiences import gets_newsletter
from subscribers.tables import (
    interruption,
    preference,
    subscriber,
    subscriber_alias,
    subscription,
)

# Days after which nothing is owed any more: a monthly digest has come, even if one was skipped.
OWED_FOR = timedelta(days=62)
# Days from one monthly digest to the next. Articles that came so long before the cadence was changed,
# before a pause or a merge may stand in a digest that was opened, and is not sent any more.
LONGEST_CADENCE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Interruption:
    """The articles that became available in (`since`, `until`] may not have reached a subscriber."""

    subscriber_id: int
    since: datetime
    until: datetime


def add_interruptions(
    connection: sa.Connection,
    subscribers: sa.Select[int],
    newsletter: str,
    since: datetime,
    until: datetime,
) -> None:
    """Record that articles of `newsletter`, a name, may not have reached some subscribers on record.

    `subscribers` is a query for their ids. Rows that mean nothing any more are deleted.
    """
    connection.execute(sa.delete(interruption).where(interruption.c.until < until - OWED_FOR))
    times = (
        sa.literal(since, interruption.c.since.type),
        sa.literal(until, interruption.c.until.type),
    )
    number = subscribers.subquery().c[0]
    rows = sa.select(subscriber.c.id, sa.literal(newsletter), *times).where(
        subscriber.c.id.in_(sa.select(number))
    )
    names = ["subscriber_id", "newsletter", "since", "until"]
    connection.execute(sa.insert(interruption).from_select(names, rows))


def of_subscriber(number: int) -> sa.Select[int]:
    """Return the query for `add_interruptions` that has one subscriber."""
    return sa.select(subscriber.c.id).where(subscriber.c.id == number)


def load_consent_times(connection: sa.Connection, subscriber_id: int) -> dict[str, datetime]:
    """Return since when a subscriber on record has each newsletter, as far as is known."""
    query = sa.select(subscription.c.newsletter, _joined).select_from(
        subscription.join(subscriber)
    )
    rows = connection.execute(query.where(subscriber.c.id == subscriber_id))
    return {newsletter: joined for newsletter, joined in rows}  # noqa: C416  # a Row is no pair


def load_interruptions(
    connection: sa.Connection, newsletter: str, after: datetime, now: datetime
) -> list[Interruption]:
    """Return the interruptions of recipients of `newsletter` that ended in (`after`, `now`].

    `newsletter` is a name or the key of a digest. Nothing from before the subscription is missed.
    """
    wanted = gets_newsletter(newsletter)
    found = []

    def is_recent(ended: sa.Column[Any]) -> sa.ColumnElement[bool]:
        those = _ended_between(ended, newsletter, after, now)
        return ended.between(after, now) & subscription.c.subscriber_id.in_(those)

    for query, began, ended in (_pauses(), _changes(), _merges()):
        recent = query.where(wanted, is_recent(ended))
        for row in connection.execute(
            recent.add_columns(began.label("began"), ended.label("ended"))
        ):
            since = max(row.began - LONGEST_CADENCE, row.joined)
            found.append(Interruption(row.id, since, row.ended))
    recorded = _recorded().where(wanted, is_recent(interruption.c.until))
    return found + [Interruption(*row) for row in connection.execute(recorded)]


_joined = sa.func.coalesce(
    subscription.c.consented_at, subscriber.c.created_at, type_=subscriber.c.created_at.type
).label("joined")
_RECIPIENTS = sa.select(subscriber.c.id, _joined).select_from(subscription.join(subscriber))
# A query, and the columns of when an interruption began and ended.
_Source = tuple[sa.Select[Any], sa.Column[Any], sa.Column[Any]]


def _ended_between(
    ended: sa.Column[Any], newsletter: str, after: datetime, now: datetime
) -> sa.Select[int]:
    """Return a query for whose interruption ended then: few, so that only they are looked up."""
    table = ended.table.alias()
    query = sa.select(table.c.subscriber_id).where(table.c[ended.name].between(after, now))
    if "newsletter" in table.c:
        query = query.where(table.c.newsletter == newsletter.partition(".")[0])
    return query


def _pauses() -> _Source:
    query = _RECIPIENTS.join(preference, preference.c.subscriber_id == subscriber.c.id)
    began, ended = preference.c["paused_at", "paused_until"]
    return query.where(began.is_not(None)), began, ended


def _changes() -> _Source:
    at = subscription.c.cadence_at
    return _RECIPIENTS, at, at


def _merges() -> _Source:
    at, number = subscriber_alias.c["merged_at", "subscriber_id"]
    return _RECIPIENTS.join(subscriber_alias, number == subscriber.c.id), at, at


def _recorded() -> sa.Select[Any]:
    of_newsletter = (subscription.c.subscriber_id == interruption.c.subscriber_id) & (
        subscription.c.newsletter == interruption.c.newsletter
    )
    query = sa.select(*interruption.c["subscriber_id", "since", "until"]).select_from(
        interruption.join(subscriber).join(subscription, of_newsletter)
    )
    # Not those of an earlier subscription.
    return query.where(interruption.c.until >= _joined)
