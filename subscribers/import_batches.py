"""The database side of an import: one batch of rows at a time, in a handful of statements.

What becomes of a reader is decided in `subscribers.import_merge`; here it is looked up and written.
The transaction is the caller's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.schema import CreateTable

from subscribers.errors import BadRow
from subscribers.import_merge import MergeResult, merge_row
from subscribers.store import find_subscribers
from subscribers.tables import subscriber, subscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Executable

    from subscribers.csv_rows import SubscriberRow
    from subscribers.model import Subscriber

_SOURCE: Final = "import"
"""What `subscription.source` says of an imported one. Its `consented_at` stays empty: a list does
not tell when its people agreed, and the day of the import would be a false witness."""

# The addresses met so far. A table of the connection's own, so that a million of them lie on
# disk and not in memory; in its own metadata, so that no migration takes it for ours.
_seen: Final = Table(
    "subscribers_import_seen",
    MetaData(),
    Column("email", Text, primary_key=True),
    Column("line", Integer, nullable=False),
    prefixes=["TEMPORARY"],
    sqlite_with_rowid=False,
)

_one_wish: Final = (subscription.c.subscriber_id == bindparam("reader")) & (
    subscription.c.newsletter == bindparam("of")
)
_INSERT_WISH: Final = insert(subscription).values(
    subscriber_id=bindparam("reader"),
    newsletter=bindparam("of"),
    status=bindparam("wish"),
    source=_SOURCE,
)
_UPDATE_WISH: Final = update(subscription).where(_one_wish).values(status=bindparam("wish"))
_DELETE_WISH: Final = delete(subscription).where(_one_wish)
_UPDATE_READER: Final = update(subscriber).where(subscriber.c.id == bindparam("reader"))


class ImportedRow(NamedTuple):
    """What was done with one row: the reader before (None: a new one) and as she now is."""

    row: SubscriberRow
    before: Subscriber | None
    merged: MergeResult


def clear_seen_addresses(connection: Connection) -> None:
    """Start, or end, with no address seen."""
    connection.execute(CreateTable(_seen, if_not_exists=True))
    connection.execute(delete(_seen))


def split_repeated(
    connection: Connection, rows: Sequence[SubscriberRow]
) -> tuple[list[SubscriberRow], list[BadRow]]:
    """Part the rows whose address is new in this file from those that repeat one."""
    emails = [row.reader.email for row in rows]
    met = connection.execute(
        select(_seen.c.email, _seen.c.line).where(_seen.c.email.in_(emails))
    )
    lines = dict(met.all())
    firsts, repeats = [], []
    for row in rows:
        line = lines.setdefault(row.reader.email, row.line)
        if line == row.line:
            firsts.append(row)
        else:
            repeats.append(BadRow(row.line, "email", f"same address as line {line}"))
    _run(
        connection,
        insert(_seen),
        [{"email": row.reader.email, "line": row.line} for row in firsts],
    )
    return firsts, repeats


def apply_rows(
    connection: Connection, rows: Sequence[SubscriberRow], now: datetime
) -> list[ImportedRow]:
    """Add or correct the readers of these rows, no two of which share an address."""
    known = find_subscribers(connection, [row.reader.email for row in rows])
    fates = [_fate(row, known.get(row.reader.email)) for row in rows]
    changed = [fate for fate in fates if fate.before != fate.merged.reader]
    _write_readers(connection, changed, now)
    _write_wishes(connection, changed)
    return fates


def _fate(row: SubscriberRow, before: Subscriber | None) -> ImportedRow:
    return ImportedRow(
        row, before, MergeResult(row.reader) if before is None else merge_row(before, row)
    )


def _write_readers(
    connection: Connection, changed: Sequence[ImportedRow], now: datetime
) -> None:
    new = [_values(fate, now) | {"created_at": now} for fate in changed if fate.before is None]
    old = [
        _values(fate, now) | {"reader": fate.before.id}
        for fate in changed
        if fate.before is not None
    ]
    _run(connection, insert(subscriber), new)
    _run(connection, _UPDATE_READER, old)


def _values(fate: ImportedRow, now: datetime) -> dict[str, Any]:
    reader = fate.merged.reader
    columns = ("email", "address", "name", "language", "timezone", "status")
    return {name: getattr(reader, name) for name in columns} | {"updated_at": now}


def _write_wishes(connection: Connection, changed: Sequence[ImportedRow]) -> None:
    ids = _ids(connection, [fate.merged.reader.email for fate in changed])
    added, moved, removed = [], [], []
    for fate in changed:
        before = fate.before.subscriptions if fate.before else {}
        after = fate.merged.reader.subscriptions
        key = {"reader": ids[fate.merged.reader.email]}
        for name, wish in after.items():
            if name not in before:
                added.append(key | {"of": name, "wish": wish})
            elif before[name] is not wish:
                moved.append(key | {"of": name, "wish": wish})
        removed += [key | {"of": name} for name in before.keys() - after.keys()]
    _run(connection, _INSERT_WISH, added)
    _run(connection, _UPDATE_WISH, moved)
    _run(connection, _DELETE_WISH, removed)


def _ids(connection: Connection, emails: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(
        select(subscriber.c.email, subscriber.c.id).where(subscriber.c.email.in_(emails))
    )
    return dict(rows.all())


def _run(connection: Connection, statement: Executable, values: list[dict[str, Any]]) -> None:
    # An empty list would be taken for "once, without values".
    if values:
        connection.execute(statement, values)
