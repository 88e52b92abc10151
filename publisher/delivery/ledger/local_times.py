"""Spread an issue's rows over the hours and time zones of its subscribers.

Only for editions with `local_time`. A row's instant is computed once, when the ledger is opened: who
changes hour or zone later keeps it. Who subscribes later has no row.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from sqlalchemy import Integer, Text, bindparam, case, func, literal, select, update

from publisher.database.dialect.sql import json_rows
from publisher.delivery.ledger.bulk import ROWS, row_values
from publisher.delivery.ledger.variant_rows import NOT_RENDERED
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.recurrence import at_local_time
from subscribers.tables import preference, subscriber

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.config import Edition
    from publisher.issues.model import Issue

log = structlog.get_logger()

# Stands for no hour, because NULL equals nothing.
_NO_HOUR = -1
_zone = func.coalesce(subscriber.c.timezone, literal("", Text()))
_hour = func.coalesce(
    select(preference.c.hour)
    .where(preference.c.subscriber_id == subscriber.c.id)
    .correlate(subscriber)
    .scalar_subquery(),
    literal(_NO_HOUR, Integer()),
)
_OF_ISSUE = (delivery.c.issue_id == bindparam("of")) & (
    subscriber.c.id == delivery.c.subscriber_id
)
_PLACES = select(_zone.label("zone"), _hour.label("hour")).where(_OF_ISSUE).distinct()
# Materialised: a table has an index for each row, where JSON would be parsed for it.
_TIMES = (
    select(row_values("timezone", "hour", "next_at")).cte("times").prefix_with("MATERIALIZED")
)
_SPREAD = (
    update(delivery)
    .where(_OF_ISSUE, _TIMES.c.timezone == _zone, _TIMES.c.hour == _hour)
    .values(
        due_at=_TIMES.c.next_at,
        next_at=case(
            (delivery.c.next_at == NOT_RENDERED, delivery.c.next_at), else_=_TIMES.c.next_at
        ),
    )
)


def spread_rows(connection: Connection, issue: Issue, edition: Edition, now: datetime) -> None:
    """Make each row of an issue due at its subscriber's hour and zone on the issue's date.

    An instant that has passed becomes `now`. Rows of variants wait until these are rendered. Call it in the transaction that inserts the rows.
    """
    if not edition.local_time:
        return
    places = connection.execute(_PLACES, {"of": issue.id}).all()
    times = [
        (zone, hour, local_due_at(edition, issue.day, zone, hour, now)) for zone, hour in places
    ]
    connection.execute(_SPREAD, {"of": issue.id, ROWS: json_rows(times)})


def last_due_at(connection: Connection, issue_id: int, now: datetime) -> datetime | None:
    """Return when the last row of an issue is due that is still to come; None if there is none."""
    query = (
        select(delivery.c.next_at)
        .where(
            delivery.c.issue_id == issue_id,
            delivery.c.state == DeliveryState.PENDING,
            delivery.c.next_at > now,
            delivery.c.next_at < NOT_RENDERED,
        )
        .order_by(delivery.c.next_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def local_instant(edition: Edition, day: date, zone: ZoneInfo, hour: int | None) -> datetime:
    """Return the instant of an hour, or else of the edition's time, on a date in a time zone."""
    at = edition.schedule.at if hour is None else time(hour)
    return at_local_time(day, at, zone).due_at


def local_due_at(
    edition: Edition, day: date, name: str | None, hour: int | None, now: datetime
) -> datetime:
    """Return when a row is due that is inserted `now`: at an hour in the time zone of that name."""
    zone = edition.zone
    try:
        zone = ZoneInfo(name) if name else zone
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("unknown time zone of subscribers", zone=name, instead=edition.timezone)
    return max(now, local_instant(edition, day, zone, None if hour == _NO_HOUR else hour))
