"""Every table that holds rows of a subscriber: what of it she may see, and what merging does to it.

A new table with a column `subscriber_id` needs a line here; a test compares. Its rows are then in
the subscriber's data, are erased with her, and move when two records are merged.
"""

import json
from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, RowMapping, Table, delete, func, or_, select, update

from publisher.bounces.store import bounce_event
from publisher.database import Database
from publisher.database.retry_queue import queue_item
from publisher.delivery.tables import delivery, recovered_delivery
from publisher.issues.tables import issue_table
from publisher.notices.ledger import forget_notice_addresses
from subscribers.address_change import forget_old_changes
from subscribers.tables import (
    access_request,
    address_change,
    consent_record,
    consent_wording,
    interruption,
    join_request,
    preference,
    subscriber,
    subscriber_alias,
    subscriber_event,
    subscriber_session,
    subscription,
)


class PersonalTable(NamedTuple):
    """A table with rows of subscribers.

    `key` is its name in a subscriber's data. `hidden` are columns that are left out of it: secrets, and numbers that
    mean nothing outside the program. Rows of a merged record move to the other if `moves`, else they end.
    """

    key: str
    table: Table
    hidden: frozenset[str] = frozenset()
    moves: bool = True


# Numbers that tell links of before from those of now.
_HIDDEN_OF_SUBSCRIBER: Final = frozenset({"generation", "feed_generation"})
PERSONAL_TABLES: Final = (
    PersonalTable("subscriptions", subscription, moves=False),
    PersonalTable("preferences", preference, frozenset({"profile"}), moves=False),
    PersonalTable("history", subscriber_event),
    PersonalTable("interruptions", interruption),
    PersonalTable("join_requests", join_request, frozenset({"code_digest", "code_attempts"})),
    PersonalTable("consent_records", consent_record),
    PersonalTable("address_changes", address_change, moves=False),
    PersonalTable("merged_records", subscriber_alias, moves=False),
    PersonalTable("bounces", bounce_event, frozenset({"source_id"})),
    PersonalTable(
        "notices",
        queue_item,
        frozenset({"key", "target", "account_id", "payload", "epoch", "doubts"}),
    ),
)
# The other tables with a column `subscriber_id`, with the reason why they are no lines above.
OTHER_TABLES: Final = {
    delivery: "is read with the issues; rows keep their number when a record is merged or erased",
    recovered_delivery: "holds numbers and states, as the ledger does, of issues that are not opened again yet",
    subscriber_session: "holds a hash and a time; ends after half an hour",
    access_request: "holds a hash and a time; ends after half an hour",
}
# As long as a change of address can be undone.
_NOTICES_KEEP_ADDRESSES = timedelta(days=7)
MOVED_TABLES: Final = tuple(one.table for one in PERSONAL_TABLES if one.moves)


def read_personal_rows(connection: Connection, subscriber_id: int) -> dict[str, Any]:
    """Return all rows of a subscriber on record: by table, and the issues. See `personal_json`."""
    own = (
        connection.execute(select(subscriber).where(subscriber.c.id == subscriber_id))
        .mappings()
        .one()
    )
    rows: dict[str, Any] = {"subscriber": _values(own, _HIDDEN_OF_SUBSCRIBER)}
    for one in PERSONAL_TABLES:
        hidden = one.hidden | {"subscriber_id"}
        query = select(one.table).where(one.table.c.subscriber_id == subscriber_id)
        ordered = query.order_by(*one.table.primary_key.columns)
        rows[one.key] = [_values(row, hidden) for row in connection.execute(ordered).mappings()]
    shown = [one["wording_digest"] for one in rows["consent_records"]]
    texts = select(consent_wording).where(consent_wording.c.digest.in_(shown))
    rows["consent_wordings"] = [_values(row) for row in connection.execute(texts).mappings()]
    return rows | {"issues": _issues(connection, subscriber_id)}


def delete_personal_rows(connection: Connection, subscriber_id: int) -> None:
    """Delete all rows of a subscriber but her own, and the words of mail servers in the ledger."""
    # A server's reply may quote the address. Each issue's row is found by the primary key.
    words = (
        update(delivery)
        .where(
            delivery.c.issue_id.in_(select(issue_table.c.id)),
            delivery.c.subscriber_id.in_(own_numbers(connection, subscriber_id)),
            delivery.c.reason.is_not(None),
        )
        .values(reason=None)
    )
    connection.execute(words)
    others = {table for table in OTHER_TABLES if table is not delivery}
    for table in (*(one.table for one in PERSONAL_TABLES), *others):
        connection.execute(delete(table).where(table.c.subscriber_id == subscriber_id))


def forget_address(connection: Connection, identity: str) -> None:
    """Delete what others have of an address: changes to it or from it, and the mails about them."""
    is_named = [func.lower(address_change.c[name]) for name in ("old_address", "new_address")]
    connection.execute(
        delete(address_change).where(or_(*(one == identity for one in is_named)))
    )
    connection.execute(
        delete(queue_item).where(func.lower(queue_item.c.to_address) == identity)
    )


def forget_former_addresses(database: Database, now: datetime) -> None:
    """Delete addresses that subscribers had, or wanted, once nothing can be confirmed or undone."""
    with database.writing() as connection:
        forget_old_changes(connection, now)
        forget_notice_addresses(connection, now - _NOTICES_KEEP_ADDRESSES)


def _issues(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    query = (
        select(
            *issue_table.c["newsletter", "language", "day"],
            *delivery.c["state", "due_at", "changed_at", "attempts", "reason_key", "reason"],
        )
        .join_from(issue_table, delivery, delivery.c.issue_id == issue_table.c.id)
        .where(delivery.c.subscriber_id.in_(own_numbers(connection, subscriber_id)))
        .order_by(issue_table.c.day, issue_table.c.id)
    )
    return [_values(row) for row in connection.execute(query).mappings()]


def own_numbers(connection: Connection, subscriber_id: int) -> list[int]:
    """Return the id of a subscriber and of records that were merged into it."""
    former = select(subscriber_alias.c.former_id).where(
        subscriber_alias.c.subscriber_id == subscriber_id
    )
    return [subscriber_id, *connection.execute(former).scalars()]


def _values(row: RowMapping, hidden: Collection[str] = ()) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if name not in hidden}


def personal_json(rows: dict[str, Any]) -> str:
    """Return what `read_personal_rows` returned as JSON text, with instants as in RFC 3339."""

    def text(value: date | datetime) -> str:
        return value.isoformat().replace("+00:00", "Z")

    return json.dumps(rows, default=text, ensure_ascii=False, indent=2) + "\n"
