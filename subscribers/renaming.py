"""Move what is stored under a newsletter's former name to its present one, and count who has which.

Proof of consent stays as it was given. `name` may also be the key of a digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, insert, select, update

from subscribers.model import SubscriberStatus
from subscribers.tables import (
    interruption,
    join_request,
    newsletter_alias,
    subscriber_event,
    subscription,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PRESENT_NAME = select(newsletter_alias.c.name).where(
    newsletter_alias.c.former == bindparam("name")
)
_WANTED = (SubscriberStatus.ACTIVE, SubscriberStatus.PENDING)


def count_subscriptions(connection: Connection) -> dict[str, int]:
    """Return how many want each newsletter, by its name; without those who have left it."""
    table = subscription.c
    query = select(table.newsletter, func.count()).where(table.status.in_(_WANTED))
    rows = connection.execute(query.group_by(table.newsletter)).all()
    return {row[0]: row[1] for row in rows}


def rename_newsletter(connection: Connection, former: str, name: str) -> None:
    """Move subscriptions, their history and requests. Who has both names keeps the present one's."""
    present = select(subscription.c.subscriber_id).where(subscription.c.newsletter == name)
    connection.execute(
        delete(subscription).where(
            subscription.c.newsletter == former, subscription.c.subscriber_id.in_(present)
        )
    )
    for table in (subscription, subscriber_event, interruption):
        connection.execute(
            update(table).where(table.c.newsletter == former).values(newsletter=name)
        )
    _rename_in_requests(connection, former, name)
    _store_alias(connection, former, name)


def present_newsletter(connection: Connection, name: str) -> str:
    """Return the present name of a newsletter that was renamed; any other name as it is."""
    return connection.execute(_PRESENT_NAME, {"name": name}).scalar() or name


def _store_alias(connection: Connection, former: str, name: str) -> None:
    table = newsletter_alias
    # A name that is in use again is nobody's former one.
    connection.execute(delete(table).where(table.c.former.in_([former, name])))
    connection.execute(update(table).where(table.c.name == former).values(name=name))
    connection.execute(insert(table).values(former=former, name=name))


def _rename_in_requests(connection: Connection, former: str, name: str) -> None:
    open_requests = select(join_request.c.id, join_request.c.newsletters).where(
        join_request.c.confirmed_at.is_(None), join_request.c.cancelled_at.is_(None)
    )
    for number, names in connection.execute(open_requests).all():
        if former in names:
            renamed = dict.fromkeys(name if one == former else one for one in names)
            here = join_request.c.id == number
            connection.execute(update(join_request).where(here).values(newsletters=[*renamed]))
