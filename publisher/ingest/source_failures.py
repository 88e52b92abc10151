"""Sources that can't be read: since when, and why. Nothing of such a source changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from publisher.ingest.tables import source_failure


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """A source that no cycle could read since an instant; `reason` is that of the last one."""

    source: str
    since: datetime
    reason: str


def list_failures(connection: Connection) -> list[SourceFailure]:
    """Return the sources that can't be read, by name."""
    query = select(source_failure).order_by(source_failure.c.source)
    return [SourceFailure(**row) for row in connection.execute(query).mappings()]


def save_failures(connection: Connection, reasons: Mapping[str, str], now: datetime) -> None:
    """Store which sources a cycle could not read, by name; all others could be, or are gone."""
    before = {one.source: one for one in list_failures(connection)}
    for source, known in before.items():
        if reasons.get(source) != known.reason:
            here = source_failure.c.source == source
            connection.execute(delete(source_failure).where(here))
    for source, reason in reasons.items():
        known_since = before[source].since if source in before else now
        if source not in before or before[source].reason != reason:
            row = {"source": source, "since": known_since, "reason": reason}
            connection.execute(insert(source_failure).values(row))
