"""The row that says which database this is, and how far it has come."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from publisher.database.dialect.sql import LargeInteger
from publisher.delivery.tables import lineage_table
from publisher.errors import DeliveryError

# By how much a page grows at least when a database is recovered: far more than other machines can have
# written that are not asked, and far more than a database writes in a second.
PAGES_AHEAD = 1_000_000
# The incarnation of a dump that has none.
UNKNOWN = "unknown"


class QuarantinedError(DeliveryError):
    """The database may be older than what was sent: nothing is sent until a person decides."""

    stops_all = True


@dataclass(frozen=True, slots=True)
class Lineage:
    """A database's name, the number of its last page, and what speaks against sending from it."""

    incarnation: str
    page: int
    server: str = ""
    copied_at: datetime | None = None
    quarantined_at: datetime | None = None
    quarantine_reason: str | None = None
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """One transaction of a sender: the database that it is in, and its number there."""

    incarnation: str
    number: int


_COLUMNS = [lineage_table.c[name] for name in Lineage.__dataclass_fields__]
_TURN = (
    update(lineage_table)
    .where(
        lineage_table.c.quarantined_at.is_(None),
        lineage_table.c.copied_at.is_(None),
        lineage_table.c.page >= bindparam("known", type_=LargeInteger),
    )
    .values(page=lineage_table.c.page + 1)
    .returning(*lineage_table.c["incarnation", "page"])
)


def read_lineage(connection: Connection) -> Lineage | None:
    """Return the row; None if this is a dump of a backup, which has none."""
    row = connection.execute(select(*_COLUMNS)).mappings().one_or_none()
    return Lineage(**row) if row else None


def turn_page(connection: Connection, known: int) -> LedgerPage | None:
    """Begin a page, in the transaction of a sender that has written page `known` before.

    Return None if nothing may be sent: the database is quarantined, a copy, or older than that.
    """
    row = connection.execute(_TURN, {"known": known}).one_or_none()
    return LedgerPage(*row) if row else None


def page_after_recovery(last: int, now: datetime) -> int:
    """Return the page with which a database goes on that is recovered now.

    It is higher than those of former recoveries, also of one that nothing is known of any more: pages that
    follow it could be taken for those that are missing from a backup made in between. For that, the clocks
    of machines on which `recover` runs have to agree to within the time between two recoveries.
    """
    return max(last, int(now.timestamp()) * PAGES_AHEAD) + PAGES_AHEAD


def lost_pages(last: int, since: int) -> int:
    """Return how many pages are known to be lost between two; where a recovery jumped over many, one."""
    lost = since - last - 1
    return lost if lost < PAGES_AHEAD - 1 else 1


def add_lineage(connection: Connection, row: Lineage) -> None:
    """Insert the row into a dump that has none."""
    connection.execute(insert(lineage_table).values(id=1, **asdict(row)))


def set_lineage(connection: Connection, **values: Any) -> None:
    """Change the row."""
    connection.execute(update(lineage_table).values(values))
