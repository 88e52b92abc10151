"""Who is owed what was missed by an interruption, such as a pause or a change of the cadence.

The first issue after it has, besides its own stories, those that came in the meantime and that the
subscriber has not got. Once she has a row of an issue that was due after it, nothing is owed, unless
that mail did not arrive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Integer, func, select

from publisher.database.dialect.sql import json_list
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from publisher.issues.tables import issue_table
from subscribers.interruptions import OWED_FOR, Interruption, load_interruptions
from subscribers.tables import preference, subscriber

# What a mail in one of these states had is still owed.
_NOT_SERVED = (DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.CANCELLED)
# A subscriber's language and profile, as stored, and from when on articles may be owed.
CatchUpKey = tuple[str, str | None, datetime]


def load_recent_interruptions(
    connection: Connection, newsletter: str, now: datetime
) -> list[Interruption]:
    """Return the interruptions after which something may still be owed."""
    return load_interruptions(connection, newsletter, now - OWED_FOR, now)


def load_owed(
    connection: Connection,
    issue: Issue,
    now: datetime,
    interruptions: Sequence[Interruption] | None = None,
) -> dict[int, CatchUpKey]:
    """Return what is owed in an issue, by subscriber. `interruptions` are the recent ones, if known."""
    found = (
        load_recent_interruptions(connection, issue.newsletter, now)
        if interruptions is None
        else interruptions
    )
    served = _last_served(connection, issue, {one.subscriber_id for one in found}, now)
    since = owed_since(found, served)
    query = select(*subscriber.c["id", "language"], preference.c.profile).outerjoin(preference)
    rows = connection.execute(
        query.where(subscriber.c.id.in_(json_list("owed", Integer()))),
        {"owed": json.dumps([*since])},
    )
    return {row.id: (row.language, row.profile, since[row.id]) for row in rows}


def owed_since(
    interruptions: Iterable[Interruption], served: Mapping[int, datetime]
) -> dict[int, datetime]:
    """Return from when on articles are owed, by subscriber. Pure.

    `served` is when the last issue was due for which a subscriber has a row. Instants are those of a
    day's begin, so that subscribers share few variants; what somebody has got is not sent again.
    """
    found: dict[int, datetime] = {}
    for one in interruptions:
        last = served.get(one.subscriber_id)
        if last is None or last <= one.until:
            since = one.since.replace(hour=0, minute=0, second=0)
            found[one.subscriber_id] = min(since, found.get(one.subscriber_id, since))
    return found


def _last_served(
    connection: Connection, issue: Issue, subscribers: Iterable[int], now: datetime
) -> dict[int, datetime]:
    query = (
        select(
            delivery.c.subscriber_id,
            func.max(issue_table.c.due_at),
        )
        .join(issue_table, issue_table.c.id == delivery.c.issue_id)
        .where(
            issue_table.c.newsletter == issue.newsletter,
            issue_table.c.due_at > now - OWED_FOR,
            issue_table.c.id != issue.id,
            delivery.c.state.not_in(_NOT_SERVED),
            delivery.c.subscriber_id.in_(json_list("owed", Integer())),
        )
        .group_by(delivery.c.subscriber_id)
    )
    rows = connection.execute(query, {"owed": json.dumps([*subscribers])})
    return {number: due_at for number, due_at in rows}  # noqa: C416  # a Row is no pair
