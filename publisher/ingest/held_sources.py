"""Sources that suddenly lost most of their articles: nothing is withdrawn until somebody accepts it.

A checkout that failed, a disk that is not mounted or a wrong pattern looks like that. New and
changed articles of such a source are still picked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from publisher.ingest.tables import held_source

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
