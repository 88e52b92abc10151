"""The recipients of an issue, as SQL for the ledger, why all others get nothing, and what somebody may have missed.

An audience is a `Select` for `INSERT ... SELECT`, so that a million subscribers never pass through
Python. The caller chooses which languages an edition serves. Those who get nothing are counted by
reason; all counts add up to the subscribers on record.

`newsletter` may be the key of a digest, such as `daily.weekly`: the newsletter, a dot, and a
cadence. Names of newsletters have no dot. Who has chosen a cadence gets that digest instead of the
newsletter's issues. Nobody gets anything during a pause.

A subscriber may have missed articles in an interruption. Pauses, changes of the cadence and merges are found where
they are stored. Others are rows of the table `interruption`: a leaving that was undone, a change of the language, a
mail that was not sent after all.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from subscribers.errors import BadCellError, RowReason, none_of, quoted
from subscribers.fields import NUMBER, SubscriberField
from subscribers.model import FieldType, Recipient, SubscriberStatus
from subscribers.tables import (
    consent_record,
    interruption,
    preference,
    subscriber,
    subscriber_alias,
    subscription,
)

_RECIPIENTS = (
    sa.select(*subscriber.c["id", "address", "name", "language", "timezone", "generation"])
    .where(subscriber.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(subscriber.c.id)
)


_LIMIT = re.compile(r"(\S+) (?:(is set)|(is not|is|at least|at most) (.+))")


def limit_clause(
    text: str, fields: Collection[SubscriberField], newsletters: Collection[str]
) -> sa.ColumnElement[bool]:
    """Return the SQL condition, on `subscriber`, of a text like "city is Berlin", "age at least 18" or "plan is set"; raise BadCellError.

    It names a field, or `topic` (that she chose), `newsletter` (that she gets) or `page` (where she agreed). Of
    newsletters that are not known nobody could tell who does not get them.
    """
    found = _LIMIT.fullmatch(" ".join(text.split()))
    reason = RowReason("%(cell)s is no condition such as city is Berlin", cell=quoted(text))
    if found is None:
        raise BadCellError("", reason)
    name, _set, test, value = found.groups()
    field = next((one for one in fields if one.name == name), None)
    if name == "newsletter" and value and value not in newsletters:
        raise BadCellError(name, none_of(value, newsletters))
    if name in _OTHER_LIMITS and test in {"is", "is not"}:
        clause = _OTHER_LIMITS[name](value)
        return clause if test == "is" else ~clause
    if field is None:
        known = [*(one.name for one in fields), *_OTHER_LIMITS]
        raise BadCellError(name, reason if name in known else none_of(name, known))
    stored = sa.func.coalesce(subscriber.c.fields[name].as_string(), "")
    if test is None:
        return stored != ""
    wanted = field.read(value)
    if test in {"is", "is not"}:
        return stored == wanted if test == "is" else stored != wanted
    if field.type is FieldType.NUMBER:
        # What was stored before the field was one of numbers is none.
        number = sa.case((stored.regexp_match(NUMBER), sa.cast(stored, sa.Float)))
        return number >= float(wanted) if test == "at least" else number <= float(wanted)
    if field.type is not FieldType.DATE:
        raise BadCellError(name, reason)
    return stored >= wanted if test == "at least" else (stored != "") & (stored <= wanted)


def _has_topic(topic: str) -> sa.ColumnElement[bool]:
    chosen = preference.alias()
    topics = sa.cast(chosen.c.topics, sa.Text)
    # As topics of articles are compared; LIKE alone minds the case of letters on some databases only.
    has_it = topics.icontains(json.dumps(topic), autoescape=True)
    return sa.exists().where(chosen.c.subscriber_id == subscriber.c.id, has_it)


_OTHER_LIMITS: dict[str, Callable[[str], sa.ColumnElement[bool]]] = {
    "topic": _has_topic,
    "newsletter": lambda name: is_subscribed(sa.literal(name), subscriber.c.id),
    "page": lambda page: sa.exists().where(
        consent_record.c.subscriber_id == subscriber.c.id, consent_record.c.page == page
    ),
}


def select_audience(
    newsletter: str,
    languages: Collection[str],
    now: datetime,
    limit: sa.ColumnElement[bool] | None = None,
) -> sa.Select[int]:
    """Return a query for `id`s, in order, of those who get `newsletter` in `languages` (tags as stored), not paused `now`."""
    # The id in the subscription's index is sorted already, so the database sorts nothing.
    number = subscription.c.subscriber_id
    return (
        sa.select(number.label("id"))
        .select_from(subscription.join(subscriber))
        .where(
            gets_newsletter(newsletter),
            subscriber.c.language.in_(sorted(languages)),
            ~is_paused(number, now),
            sa.true() if limit is None else limit,
        )
        .order_by(number)
    )


def count_subscribers_by_language(connection: sa.Connection) -> dict[str, int]:
    """Return the number of active subscribers, of any newsletter or none, by stored language."""
    rows = connection.execute(
        sa.select(subscriber.c.language, sa.func.count())
        .where(subscriber.c.status == SubscriberStatus.ACTIVE)
        .group_by(subscriber.c.language)
        .order_by(subscriber.c.language)
    )
    return dict(rows.all())


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

    For the `WHERE` of an `UPDATE` or `SELECT` on a table with a column of subscribers' ids. Between the opening of a
    ledger and the sending, a subscriber may unsubscribe, pause, or choose another cadence, or the address may bounce.
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

    Each pair is there once. Who has a pause at `now` is excluded. `preferences.profile_from_text` reads the profile.
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
    PAUSED = "paused"  # all mails are paused
    OTHER_CADENCE = "other-cadence"  # the newsletter is subscribed at another cadence
    PENDING = "pending"  # the newsletter, or the record, waits for a confirmation
    LEFT = "left"  # the newsletter, or all mail, was unsubscribed
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
_INTERRUPTED = sa.select(subscriber.c.id, _joined).select_from(subscription.join(subscriber))
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
    query = _INTERRUPTED.join(preference, preference.c.subscriber_id == subscriber.c.id)
    began, ended = preference.c["paused_at", "paused_until"]
    return query.where(began.is_not(None)), began, ended


def _changes() -> _Source:
    at = subscription.c.cadence_at
    return _INTERRUPTED, at, at


def _merges() -> _Source:
    at, number = subscriber_alias.c["merged_at", "subscriber_id"]
    return _INTERRUPTED.join(subscriber_alias, number == subscriber.c.id), at, at


def _recorded() -> sa.Select[Any]:
    of_newsletter = (subscription.c.subscriber_id == interruption.c.subscriber_id) & (
        subscription.c.newsletter == interruption.c.newsletter
    )
    query = sa.select(*interruption.c["subscriber_id", "since", "until"]).select_from(
        interruption.join(subscriber).join(subscription, of_newsletter)
    )
    # Not those of an earlier subscription.
    return query.where(interruption.c.until >= _joined)
