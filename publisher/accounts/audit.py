"""The audit log: who did what, in rows that can't be changed, each with a hash of the one before.

A trigger refuses changes by SQL. Whoever goes round it breaks the chain of hashes, which are made
with the publication's secret, so they can't be made anew from the rows alone.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from publisher.accounts.tables import audit_entry_table

# How many rows are read at a time.
_PORTION = 1000
_NOTHING = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What somebody did. `actor` is an account's address, or "terminal"; `details` has no secret.

    `network` is shortened, as in the consent of subscribers.
    """

    at: datetime
    actor: str
    verb: str
    object: str
    details: Mapping[str, Any] = field(default_factory=dict)
    network: str = ""


@dataclass(frozen=True, slots=True)
class AuditFault:
    """Where the chain is broken: the number of a row, and what is wrong with it as a key."""

    row: int
    fault: str


def record(connection: Connection, secret: str, entry: AuditEntry) -> None:
    """Append an entry, in the transaction of what it is about. It needs the lock of those who write."""
    query = select(audit_entry_table.c.hash).order_by(audit_entry_table.c.id.desc()).limit(1)
    previous = connection.execute(query).scalar_one_or_none() or _NOTHING
    hashes = {"previous_hash": previous, "hash": _hash(secret, previous, entry)}
    connection.execute(insert(audit_entry_table).values(_values(entry) | hashes))


def read_log(
    connection: Connection,
    *,
    before: int | None = None,
    about: Collection[str] = (),
    limit: int = 100,
) -> list[tuple[int, AuditEntry]]:
    """Return entries with their numbers, the latest first; those before a number, or about some objects, if these are given."""
    query = select(audit_entry_table).order_by(audit_entry_table.c.id.desc()).limit(limit)
    if about:
        query = query.where(audit_entry_table.c.object.in_(about))
    if before is not None:
        query = query.where(audit_entry_table.c.id < before)
    return [(row.id, _entry(row)) for row in connection.execute(query)]


def find_fault(connection: Connection, secret: str) -> AuditFault | None:
    """Check the whole chain. Return the first fault, or None.

    `changed`: a row does not have its hash. `missing`: the row before it is not the one it names.
    """
    previous = _NOTHING
    for row in _rows(connection):
        if row.previous_hash != previous:
            return AuditFault(row.id, "missing")
        if not hmac.compare_digest(row.hash, _hash(secret, previous, _entry(row))):
            return AuditFault(row.id, "changed")
        previous = row.hash
    return None


def _rows(connection: Connection) -> Iterator[Any]:
    last = 0
    while True:
        query = (
            select(audit_entry_table)
            .where(audit_entry_table.c.id > last)
            .order_by(audit_entry_table.c.id)
            .limit(_PORTION)
        )
        rows = connection.execute(query).all()
        yield from rows
        if len(rows) < _PORTION:
            return
        last = rows[-1].id


def _entry(row: Any) -> AuditEntry:
    return AuditEntry(**_values(row))


def _values(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in AuditEntry.__dataclass_fields__}


def _hash(secret: str, previous: str, entry: AuditEntry) -> str:
    said = _values(entry) | {"at": entry.at.isoformat()}
    text = json.dumps([previous, said], sort_keys=True, default=dict)
    key = hashlib.sha256(b"audit log\0" + secret.encode()).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
