"""The recipients of an issue, as SQL for the ledger, and why all others get nothing.

An audience is a `Select` for `INSERT ... SELECT`, so that a million subscribers never pass through
Python. The caller chooses which languages an edition serves. Those who get nothing are counted by
reason; all counts add up to the subscribers on record.

`newsletter` may be the key of a digest, such as `daily.weekly`: the newsletter, a dot, and a
cadence. Names of newsletters have no dot. Who has chosen a cadence gets that digest instead of the
newsletter's issues. Nobody gets anything during a pause.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from subscribers.model import Recipient, SubscriberStatus
from subscribers.tables import preference, subscriber, subscription

_RECIPIENTS = (
    sa.select(*subscriber.c["id", "address", "name", "language", "timezone", "generation"])
    .where(subscriber.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(subscriber.c.id)
)


def select_audience(
    newsletter: str, languages: Collection[str], now: datetime
) -> sa.Select[int]:
    """Return a query for the ids, in order, of all who get `newsletter` in one of `languages`.

    `languages` are tags as stored. Who has a pause at `now` is excluded. The column is named `id`.
    """
    # The id in the subscription's index is sorted already, so the database sorts nothing.
    number = subscription.c.subscriber_id
    return (
        sa.select(number.label("id"))
        .select_from(subscription.join(subscriber))
        .where(
            gets_newsletter(newsletter),
            subscriber.c.language.in_(sorted(languages)),
            ~is_paused(number, now),
        )
        .order_by(number)
    )


def select_audience_groups(
    newsletter: str, columns: Mapping[str, sa.ColumnElement[Any]], now: datetime
) -> sa.Select[Any]:
    """Return a query that counts all who get `newsletter`, in groups that have `columns` in common.

    The columns may be made of those of `subscriber`, `subscription` and `preference`, and are named
    as in the mapping; the last one is `count`. Who has a pause at `now` is excluded.
    """
    number = subscription.c.subscriber_id
    named = [column.label(name) for name, column in columns.items()]
    return (
        sa.select(*named, sa.func.count().label("count"))
        .select_from(
            subscription.join(subscriber).outerjoin(
                preference, preference.c.subscriber_id == number
            )
        )
        .where(
            gets_newsletter(newsletter),
            # As `is_paused`, without looking for the preferences twice.
            sa.or_(preference.c.paused_until.is_(None), preference.c.paused_until <= now),
        )
        .group_by(*named)
    )


def is_paused(
    subscriber_id: sa.ColumnElement[int], now: datetime | sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a subscriber has paused all mails at `now`."""
    chosen = preference.alias()
    return sa.exists().where(
        chosen.c.subscriber_id == subscriber_id, chosen.c.paused_until > now
    )


def is_subscribed(
    newsletter: sa.ColumnElement[str], subscriber_id: sa.ColumnElement[int]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a subscriber gets `newsletter`, at whatever cadence."""
    person, wanted = subscriber.alias(), subscription.alias()
    name = wanted.c.newsletter
    return _is_active(person, wanted, subscriber_id).where(
        (name == newsletter) | newsletter.startswith(name + ".")
    )


def still_wanted(
    newsletter: str | sa.ColumnElement[str],
    subscriber_id: sa.ColumnElement[int],
    now: datetime | sa.ColumnElement[Any],
) -> sa.ColumnElement[bool]:
    """Return the SQL condition that a subscriber still wants `newsletter` at `now`.

    For the `WHERE` of an `UPDATE` or `SELECT` on a table with a column of subscribers' ids. Between
    the opening of a ledger and the sending, a subscriber may unsubscribe, pause, or choose another
    cadence, or the address may bounce.
    """
    person, wanted = subscriber.alias(), subscription.alias()
    name = wanted.c.newsletter
    # Found by the subscriber's id: she has few subscriptions.
    key = sa.func.coalesce(name + "." + wanted.c.cadence, name)
    subscribed = _is_active(person, wanted, subscriber_id).where(key == newsletter)
    return subscribed & ~is_paused(subscriber_id, now)


def _is_active(
    person: sa.FromClause, wanted: sa.FromClause, subscriber_id: sa.ColumnElement[int]
) -> sa.Exists:
    return sa.exists().where(
        person.c.id == subscriber_id,
        person.c.status == SubscriberStatus.ACTIVE,
        wanted.c.subscriber_id == person.c.id,
        wanted.c.status == SubscriberStatus.ACTIVE,
    )


def has_audience(connection: sa.Connection, newsletter: str) -> bool:
    """Return whether anybody gets `newsletter`, now or after a pause."""
    one = sa.select(subscriber.c.id).select_from(subscription.join(subscriber))
    return (
        connection.execute(one.where(gets_newsletter(newsletter)).limit(1)).first() is not None
    )


def load_audience_profiles(
    connection: sa.Connection, newsletter: str, now: datetime
) -> list[tuple[str, str]]:
    """Return the stored language and profile of all recipients of `newsletter` with a profile.

    Each pair is there once. Who has a pause at `now` is excluded. `preferences.profile_from_text` reads
    the profile.
    """
    chosen = preference.alias()
    with_profile = sa.select(chosen.c.subscriber_id).where(chosen.c.profile.is_not(None))
    pairs = (
        sa.select(subscriber.c.language, preference.c.profile)
        .select_from(preference.join(subscriber).join(subscription))
        .where(
            preference.c.profile.is_not(None),
            # They are fewer than the recipients, whom the database would look through instead.
            subscription.c.subscriber_id.in_(with_profile),
            gets_newsletter(newsletter),
            ~is_paused(subscriber.c.id, now),
        )
        .distinct()
        .order_by(subscriber.c.language, preference.c.profile)
    )
    return [(language, profile) for language, profile in connection.execute(pairs)]


def load_recipients(connection: sa.Connection, ids: Collection[int]) -> list[Recipient]:
    """Return the recipients with some ids, at most 30,000, in the order of the ids.

    Subscribers who were erased are missing in the result. Each id is a bound value, and some
    databases accept 32,766 of them.
    """
    return [Recipient(*row) for row in connection.execute(_RECIPIENTS, {"ids": list(ids)})]


def gets_newsletter(newsletter: str) -> sa.ColumnElement[bool]:
    """Return the SQL condition, on `subscriber` and `subscription`, of all who get `newsletter`."""
    name, _, cadence = newsletter.partition(".")
    return (
        (subscriber.c.status == SubscriberStatus.ACTIVE)
        & (subscription.c.newsletter == name)
        & (subscription.c.status == SubscriberStatus.ACTIVE)
        & (subscription.c.cadence == (cadence or None))
    )


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
    connection: sa.Connection, newsletter: str, now: datetime
) -> Counter[Standing]:
    """Count all subscribers on record by what they are to `newsletter`, a name or a digest's key.

    Each query follows an index, which is faster than one query that sorts all subscribers.
    """
    found: Counter[Standing] = Counter()
    records = sa.select(subscriber.c.status, sa.func.count()).group_by(subscriber.c.status)
    for status, count in connection.execute(records):
        found[_OF_RECORD.get(status, Standing.NOT_SUBSCRIBED)] += count
    for standing, count in _count_subscriptions(connection, newsletter).items():
        found[standing] += count
        found[Standing.NOT_SUBSCRIBED] -= count
    paused = _count_paused(connection, newsletter, now)
    found[Standing.PAUSED] += paused
    found[Standing.RECIPIENT] -= paused
    return found


def _count_subscriptions(connection: sa.Connection, newsletter: str) -> Counter[Standing]:
    """Count the subscriptions to a newsletter of records that are active, by what they mean."""
    name, _, cadence = newsletter.partition(".")
    columns = subscription.c["status", "cadence"]
    all_of_them = (
        sa.select(*columns, sa.func.count().label("total"))
        .where(subscription.c.newsletter == name)
        .group_by(*columns)
    )
    # Fewer than those of active records, so they are looked up and subtracted.
    closed = sa.select(subscriber.c.id).where(subscriber.c.status.in_([*_OF_RECORD]))
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


def _count_paused(connection: sa.Connection, newsletter: str, now: datetime) -> int:
    query = sa.select(sa.func.count()).select_from(subscription.join(subscriber))
    with_pause = sa.select(preference.c.subscriber_id).where(preference.c.paused_until > now)
    paused = query.where(
        gets_newsletter(newsletter),
        is_paused(subscriber.c.id, now),
        # Few, so that only they are looked up.
        subscription.c.subscriber_id.in_(with_pause),
    )
    return connection.execute(paused).scalar_one()
