"""Sources that need somebody: nothing of them is withdrawn meanwhile.

Those that suddenly lost most of their articles are held until somebody accepts it: a checkout that failed, a
disk that is not mounted or a wrong pattern looks like that. New and changed articles of them are still picked
up. Of those that can't be read nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from publisher.ingest.tables import held_source, source_failure

# Articles. Fewer are deleted by hand, and may well be most of a small source.
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class HeldSource:
    """A source of `articles` items with articles, `lost` of which are gone.

    Somebody has accepted that `accepted` are gone. It is held since `since`, if that is known.
    """

    source: str
    lost: int
    articles: int
    accepted: int = 0
    since: datetime | None = field(default=None, compare=False)


def is_sudden_loss(lost: int, articles: int) -> bool:
    """Return whether more than half of a source's articles are gone, and not just a few. Pure."""
    return lost >= _FEWEST and 2 * lost > articles


def list_held_sources(connection: Connection) -> list[HeldSource]:
    """Return the sources that are held, by name."""
    query = select(held_source).order_by(held_source.c.source)
    return [HeldSource(**row) for row in connection.execute(query).mappings()]


def hold_source(connection: Connection, held: HeldSource, now: datetime) -> bool:
    """Store that a source is held. Return False if somebody has accepted the loss."""
    before = next((o for o in list_held_sources(connection) if o.source == held.source), None)
    if before is not None and before.accepted >= held.lost:
        return False
    release_source(connection, held.source)
    since = before.since if before else now
    row = {"source": held.source, "lost": held.lost, "articles": held.articles, "since": since}
    connection.execute(insert(held_source).values(row))
    return True


def release_source(connection: Connection, source: str) -> None:
    """Delete that a source is held."""
    connection.execute(delete(held_source).where(held_source.c.source == source))


def accept_loss(connection: Connection, source: str) -> HeldSource | None:
    """Let the next pick-up withdraw what is gone; return it, or None if the source is not held."""
    here = held_source.c.source == source
    connection.execute(update(held_source).where(here).values(accepted=held_source.c.lost))
    return next((one for one in list_held_sources(connection) if one.source == source), None)


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
