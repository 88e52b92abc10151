"""Times in which a subscriber may have missed articles: pauses, changes of the cadence, merges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from subscribers.audiences import gets_newsletter
from subscribers.tables import preference, subscriber, subscriber_alias, subscription

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

# Days from one monthly digest to the next. Articles that came so long before the cadence was changed,
# before a pause or a merge may stand in a digest that was opened, and is not sent any more.
_LONGEST_CADENCE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Interruption:
    """The articles that became available in (`since`, `until`] may not have reached a subscriber."""

    subscriber_id: int
    since: datetime
    until: datetime


def load_interruptions(
    connection: Connection, newsletter: str, after: datetime, now: datetime
) -> list[Interruption]:
    """Return the interruptions of recipients of `newsletter` that ended in (`after`, `now`].

    `newsletter` is a name or the key of a digest. Nothing from before the subscription is missed.
    """
    joined = func.coalesce(
        subscription.c.consented_at, subscriber.c.created_at, type_=subscriber.c.created_at.type
    ).label("joined")
    of = select(subscriber.c.id, joined).select_from(subscription.join(subscriber))
    pauses = of.add_columns(*preference.c["paused_at", "paused_until"]).join(
        preference, preference.c.subscriber_id == subscriber.c.id
    )
    ended = preference.c.paused_until.between(after, now) & preference.c.paused_at.is_not(None)
    changes = of.add_columns(subscription.c.cadence_at.label("at"))
    changed = subscription.c.cadence_at.between(after, now)
    wanted = gets_newsletter(newsletter)
    found = [
        Interruption(
            row.id, max(row.paused_at - _LONGEST_CADENCE, row.joined), row.paused_until
        )
        for row in connection.execute(pauses.where(wanted, ended))
    ]
    merges = of.add_columns(subscriber_alias.c.merged_at.label("at")).join(
        subscriber_alias, subscriber_alias.c.subscriber_id == subscriber.c.id
    )
    merged = subscriber_alias.c.merged_at.between(after, now)
    found += [
        Interruption(row.id, max(row.at - _LONGEST_CADENCE, row.joined), row.at)
        for query in (changes.where(wanted, changed), merges.where(wanted, merged))
        for row in connection.execute(query)
    ]
    return found
