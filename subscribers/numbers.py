"""The list in numbers: how many, who reads what in which language, and who joined and left by week.

All are counts; no address is read. To count a million subscribers takes seconds, so of a large list the last
count is kept (`list_numbers`), and the application renews it. Erasing somebody deletes that history too, so weeks
of the past lose who was erased since. The transaction belongs to the caller.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import sqlalchemy as sa

from subscribers.model import SubscriberStatus
from subscribers.tables import (
    erased_address,
    list_numbers,
    preference,
    subscriber,
    subscriber_event,
    subscription,
)

# Weeks that are counted, the present one too.
WEEKS: Final = 52
_ACTIVE, _BOUNCED = SubscriberStatus.ACTIVE, SubscriberStatus.BOUNCED


@dataclass(frozen=True, slots=True)
class SubscriptionCount:
    """How many have a newsletter and these languages, each one's best first; `paused` is a part of them."""

    newsletter: str
    languages: Sequence[str]
    count: int
    paused: int


@dataclass(frozen=True, slots=True)
class WeekCount:
    """How many began and ceased to get a newsletter in a language, in the week from a Monday on.

    `bounced` were not left, but their mailbox does not exist any more. Who returns joins again.
    """

    week: str
    newsletter: str
    language: str
    joined: int = 0
    left: int = 0
    bounced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNumbers:
    """All counts of an instant. `statuses` are of records; `paused` and `without` (a newsletter) are parts of the active ones."""

    counted_at: str
    statuses: Mapping[str, int]
    paused: int
    without: int
    erased: int
    subscriptions: Sequence[SubscriptionCount]
    weeks: Sequence[WeekCount]

    def age(self, now: datetime) -> timedelta:
        return now - datetime.fromisoformat(self.counted_at)


def count_list(connection: sa.Connection, now: datetime, zone: tzinfo) -> ListNumbers:
    """Count all subscribers on record, and the changes of `WEEKS` weeks, which begin on Mondays of a time zone."""
    statuses = dict.fromkeys(map(str, SubscriberStatus), 0)
    by_status = sa.select(subscriber.c.status, sa.func.count()).group_by(subscriber.c.status)
    statuses |= {status: count for status, count in connection.execute(by_status)}  # noqa: C416  # a Row is no pair
    active = sa.select(sa.func.count()).where(subscriber.c.status == _ACTIVE)
    has_newsletter = sa.exists().where(
        subscription.c.subscriber_id == subscriber.c.id, subscription.c.status == _ACTIVE
    )
    paused, without = (
        active.where(subscriber.c.id.in_(_paused(now))),
        active.where(~has_newsletter),
    )
    erased = sa.select(sa.func.count()).select_from(erased_address)
    return ListNumbers(
        counted_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        statuses=statuses,
        paused=connection.execute(paused).scalar_one(),
        without=connection.execute(without).scalar_one(),
        erased=connection.execute(erased).scalar_one(),
        subscriptions=_subscriptions(connection, now),
        weeks=_weeks(connection, now, zone),
    )


def store_list_numbers(connection: sa.Connection, numbers: ListNumbers) -> None:
    connection.execute(sa.delete(list_numbers))
    connection.execute(
        sa.insert(list_numbers).values(id=1, numbers=json.dumps(asdict(numbers)))
    )


def load_list_numbers(connection: sa.Connection) -> ListNumbers | None:
    """Return the last count that was stored, None if there is none."""
    text = connection.execute(sa.select(list_numbers.c.numbers)).scalar()
    if text is None:
        return None
    values = json.loads(text)
    subscriptions = [SubscriptionCount(**one) for one in values.pop("subscriptions")]
    weeks = [WeekCount(**one) for one in values.pop("weeks")]
    return ListNumbers(**values, subscriptions=subscriptions, weeks=weeks)


def monday_of(instant: datetime, zone: tzinfo) -> date:
    """Return the first day of an instant's week, in a time zone."""
    day = instant.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def _paused(now: datetime) -> sa.Select[int]:
    return sa.select(preference.c.subscriber_id).where(preference.c.paused_until > now)


def _subscriptions(connection: sa.Connection, now: datetime) -> list[SubscriptionCount]:
    paused = _paused(now).subquery()
    columns = (
        *(subscription.c.newsletter, subscriber.c.language),
        sa.cast(preference.c.more_languages, sa.Text),
    )
    number = subscription.c.subscriber_id
    query = (
        sa.select(*columns, sa.func.count(), sa.func.count(paused.c.subscriber_id))
        .select_from(subscription.join(subscriber))
        .outerjoin(preference, preference.c.subscriber_id == number)
        .outerjoin(paused, paused.c.subscriber_id == number)
        .where(subscriber.c.status == _ACTIVE, subscription.c.status == _ACTIVE)
        .group_by(*columns)
        .order_by(*columns)
    )
    return [
        SubscriptionCount(newsletter, (language, *json.loads(more or "[]")), *counts)
        for newsletter, language, more, *counts in connection.execute(query)
    ]


def _weeks(connection: sa.Connection, now: datetime, zone: tzinfo) -> list[WeekCount]:
    first = monday_of(now, zone) - timedelta(weeks=WEEKS - 1)
    since = datetime.combine(first, datetime.min.time(), zone)
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for what, query in (
        *_changes(since),
        *_returns_and_bounces(since),
        ("joined", _created(since)),
    ):
        for hour, newsletter, language, count in connection.execute(query):
            week = monday_of(datetime.fromisoformat(f"{hour}:00+00:00"), zone).isoformat()
            found.setdefault((week, newsletter, language), Counter())[what] += count
    return [
        WeekCount(*key, counts["joined"], counts["left"], counts["bounced"])
        for key, counts in sorted(found.items())
    ]


# What is counted, and a query for rows of hour, newsletter, language and count.
_Counted = tuple[str, sa.Select[Any]]


def _by_hour(
    at: sa.Column[datetime], newsletter: sa.Column[str], tables: sa.FromClause
) -> sa.Select[Any]:
    # Numbers in the text: as parameters, a server would take the group for another expression.
    one, length = (sa.literal_column(text, sa.Integer) for text in ("1", "13"))
    hour = sa.func.substr(sa.type_coerce(at, sa.Text), one, length)
    columns = (hour, newsletter, subscriber.c.language)
    return sa.select(*columns, sa.func.count()).select_from(tables).group_by(*columns)


def _changes(since: datetime) -> list[_Counted]:
    """Return queries for newsletters that began or ended with an event of their own."""
    event = subscriber_event.c
    query = _by_hour(event.at, event.newsletter, subscriber_event.join(subscriber)).where(
        event.at >= since, event.newsletter.is_not(None)
    )
    was_active, is_active = event.before == _ACTIVE, event.after == _ACTIVE
    began = query.where(is_active, sa.or_(event.before.is_(None), ~was_active))
    ended = query.where(was_active, sa.or_(event.after.is_(None), ~is_active))
    return [("joined", began), ("left", ended)]


def _returns_and_bounces(since: datetime) -> list[_Counted]:
    """Return queries for newsletters that stay subscribed while the record is closed by a bounce."""
    event = subscriber_event.c
    tables = subscriber_event.join(subscriber).join(
        subscription, subscription.c.subscriber_id == subscriber.c.id
    )
    query = _by_hour(event.at, subscription.c.newsletter, tables).where(
        event.at >= since, event.newsletter.is_(None), subscription.c.status == _ACTIVE
    )
    bounced = query.where(event.before == _ACTIVE, event.after == _BOUNCED)
    returned = query.where(event.before == _BOUNCED, event.after == _ACTIVE)
    return [("bounced", bounced), ("joined", returned)]


def _created(since: datetime) -> sa.Select[Any]:
    """Return the query for newsletters that were active when a subscriber was stored: this makes no event."""
    own = subscriber_event.alias()
    record = _first_status(subscriber.c.status, own, own.c.newsletter.is_(None))
    newsletter = _first_status(
        subscription.c.status, own, own.c.newsletter == subscription.c.newsletter
    )
    at = subscriber.c.created_at
    query = _by_hour(at, subscription.c.newsletter, subscriber.join(subscription))
    return query.where(at >= since, record == _ACTIVE, newsletter == _ACTIVE)


def _first_status(
    now: sa.Column[str], event: sa.FromClause, is_about: sa.ColumnElement[bool]
) -> sa.ColumnElement[str]:
    """Return a status as it was before its first event, empty if there was none; without events, as it is."""
    # Looked up for each row: a join with all first events takes minutes, if a file has a million.
    before = (
        sa.select(sa.func.coalesce(event.c.before, ""))
        .where(event.c.subscriber_id == subscriber.c.id, is_about)
        .order_by(event.c.id)
        .limit(1)
        .correlate(subscriber, subscription)
        .scalar_subquery()
    )
    return sa.func.coalesce(before, now)
