"""The list in numbers, as JSON: how many, who reads what in which language, and who joined and left by week.

All are counts; no address is read. To count a million subscribers takes seconds, so of a large list the last
count is kept (`list_numbers`). Erasing somebody deletes that history too, so weeks of the past lose who was erased
since. The transaction belongs to the caller.
"""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from subscribers.model import SubscriberStatus
from subscribers.tables import (
    erased_address,
    list_numbers,
    preference,
    subscriber,
    subscriber_event,
    subscription,
)

WEEKS: Final = 52  # weeks that are counted, the present one too
_ACTIVE, _BOUNCED = SubscriberStatus.ACTIVE, SubscriberStatus.BOUNCED


def count_list(connection: Connection, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """Count all subscribers on record, and the changes of `WEEKS` weeks, which begin on Mondays of a time zone.

    `statuses` are of records; `paused` and `without` (a newsletter) are parts of the active ones. `subscriptions` have
    a newsletter, `languages` (best first), `count` and its part `paused`; `weeks` a Monday, newsletter, language, and
    how many `joined`, `left` and `bounced`: these did not leave, but their mailbox is gone. Who returns joins again.
    """
    by_status = sa.select(subscriber.c.status, sa.func.count()).group_by(subscriber.c.status)
    active = sa.select(sa.func.count()).where(subscriber.c.status == _ACTIVE)
    has_newsletter = sa.exists().where(
        subscription.c.subscriber_id == subscriber.c.id, subscription.c.status == _ACTIVE
    )
    counts = {
        "paused": active.where(subscriber.c.id.in_(_paused(now))),
        "without": active.where(~has_newsletter),
        "erased": sa.select(sa.func.count()).select_from(erased_address),
    }
    return {
        "counted_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "statuses": {str(one): 0 for one in SubscriberStatus}
        | {row[0]: row[1] for row in connection.execute(by_status)},
        **{name: connection.execute(query).scalar_one() for name, query in counts.items()},
        "subscriptions": _subscriptions(connection, now),
        "weeks": _weeks(connection, now, zone),
    }


def store_list_numbers(connection: Connection, numbers: dict[str, Any]) -> None:
    connection.execute(sa.delete(list_numbers))
    connection.execute(sa.insert(list_numbers).values(id=1, numbers=json.dumps(numbers)))


def load_list_numbers(connection: Connection) -> dict[str, Any] | None:
    """Return the last count that was stored, None if there is none."""
    text = connection.execute(sa.select(list_numbers.c.numbers)).scalar()
    return None if text is None else json.loads(text)


def week_of(instant: datetime, zone: tzinfo) -> date:
    """Return the first day of an instant's week, in a time zone."""
    day = instant.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def _paused(now: datetime) -> sa.Select[int]:
    return sa.select(preference.c.subscriber_id).where(preference.c.paused_until > now)


def _subscriptions(connection: Connection, now: datetime) -> list[dict[str, Any]]:
    paused, number = _paused(now).subquery(), subscription.c.subscriber_id
    more = sa.cast(preference.c.more_languages, sa.Text)
    columns = (subscription.c.newsletter, subscriber.c.language, more)
    query = (
        sa.select(*columns, sa.func.count(), sa.func.count(paused.c.subscriber_id))
        .select_from(subscription.join(subscriber))
        .outerjoin(preference, preference.c.subscriber_id == number)
        .outerjoin(paused, paused.c.subscriber_id == number)
        .where(subscriber.c.status == _ACTIVE, subscription.c.status == _ACTIVE)
        .group_by(*columns)
        .order_by(*columns[:2], more.nulls_first())
    )
    return [
        {
            "newsletter": newsletter,
            "languages": [language, *json.loads(others or "[]")],
            "count": count,
            "paused": part,
        }
        for newsletter, language, others, count, part in connection.execute(query)
    ]


def _weeks(connection: Connection, now: datetime, zone: tzinfo) -> list[dict[str, Any]]:
    first = week_of(now, zone) - timedelta(weeks=WEEKS - 1)
    since = datetime.combine(first, datetime.min.time(), zone)
    found: dict[tuple[str, str, str], Counter[str]] = {}
    for what, query in _changes(since):
        for hour, newsletter, language, count in connection.execute(query):
            week = week_of(datetime.fromisoformat(f"{hour}:00+00:00"), zone).isoformat()
            found.setdefault((week, newsletter, language), Counter())[what] += count
    return [
        dict(zip(("week", "newsletter", "language"), key, strict=True))
        | {what: counts[what] for what in ("joined", "left", "bounced")}
        for key, counts in sorted(found.items())
    ]


def _changes(since: datetime) -> list[tuple[str, sa.Select[Any]]]:
    """Return what is counted, each with a query for hour, newsletter, language and count."""
    event, tables = subscriber_event.c, subscriber_event.join(subscriber)
    own = _by_hour(event.at, event.newsletter, tables, since)
    # Newsletters stay subscribed while a bounce closes the record.
    of_record = subscription.c.subscriber_id == subscriber.c.id
    record = _by_hour(
        event.at, subscription.c.newsletter, tables.join(subscription, of_record), since
    ).where(event.newsletter.is_(None), subscription.c.status == _ACTIVE)
    was_active, is_active = event.before == _ACTIVE, event.after == _ACTIVE
    return [
        ("joined", own.where(is_active, event.before.is_distinct_from(_ACTIVE))),
        ("left", own.where(was_active, event.after.is_distinct_from(_ACTIVE))),
        ("joined", record.where(event.before == _BOUNCED, is_active)),
        ("bounced", record.where(was_active, event.after == _BOUNCED)),
        ("joined", _created(since)),
    ]


def _by_hour(
    at: sa.Column[datetime], newsletter: sa.Column[str], tables: sa.FromClause, since: datetime
) -> sa.Select[Any]:
    # Numbers in the text: as parameters, a server would take the group for another expression.
    one, length = (sa.literal_column(text, sa.Integer) for text in ("1", "13"))
    hour = sa.func.substr(sa.type_coerce(at, sa.Text), one, length)
    columns = (hour, newsletter, subscriber.c.language)
    query = sa.select(*columns, sa.func.count()).select_from(tables).group_by(*columns)
    return query.where(at >= since, newsletter.is_not(None))


def _created(since: datetime) -> sa.Select[Any]:
    """Return the query for newsletters that were active when a subscriber was stored: this makes no event."""
    own, newsletter = subscriber_event.alias(), subscription.c.newsletter

    def first(now: sa.Column[str], is_about: sa.ColumnElement[bool]) -> sa.ColumnElement[str]:
        # As it was before its first event. Looked up for each row: a join with all first events takes minutes.
        before = sa.select(sa.func.coalesce(own.c.before, "")).where(
            own.c.subscriber_id == subscriber.c.id, is_about
        )
        before = before.order_by(own.c.id).limit(1).correlate(subscriber, subscription)
        return sa.func.coalesce(before.scalar_subquery(), now)

    at = subscriber.c.created_at
    return _by_hour(at, newsletter, subscriber.join(subscription), since).where(
        first(subscriber.c.status, own.c.newsletter.is_(None)) == _ACTIVE,
        first(subscription.c.status, own.c.newsletter == newsletter) == _ACTIVE,
    )
