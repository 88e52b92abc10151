"""Move a publication from one database to another: all of it, compared, or nothing.

Nobody can write to the source meanwhile, and a process that sends keeps it from starting. Afterwards the source
is quarantined: if a machine still uses it, nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from publisher.database import Database, open_database
from publisher.database.copy import (
    TableContent,
    copy_rows,
    engine_tables,
    filled_tables,
    read_all_tables,
)
from publisher.database.dialect.address import is_address, parse_address, printable
from publisher.database.engine import create_database
from publisher.delivery.ledger.leases import list_leases
from publisher.delivery.lineage.quarantine import find_sign
from publisher.delivery.lineage.state import read_lineage, set_lineage
from publisher.delivery.tables import lineage_table
from publisher.errors import DatabaseError, UsageError
from publisher.secret_fingerprint import fingerprint, store_fingerprint, stored_fingerprint
from publisher.secret_key import SECRET_FILE

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.clock import Clock

log = structlog.get_logger()

# What follows the name of a file while it is written.
_UNFINISHED = ".unfinished"


def copy_publication(
    source: str, target: str, clock: Clock, secret: str | None = None
) -> list[tuple[str, TableContent]]:
    """Copy all rows from one address to another, each a file or on a server. Return them by table.

    `secret` is that of the environment; otherwise it lies beside the source, if that is a file. Machines with
    another one do not start with the copy.

    Raise UsageError for a malformed address, and DatabaseError, with nothing copied, if the target is not
    empty, the source has other tables than this version or may be older than what was sent, somebody sends, or
    the copy differs.
    """
    place, destination = _find_address(source), _find_address(target)
    if isinstance(place, Path) and not place.is_file():
        raise DatabaseError(
            f"{place}: is no file; name the publication's, such as var/publisher.db"
        )
    with closing(open_database(place, upgrade=False)) as old:
        with old.reading() as reading:
            _refuse_senders(reading, old, old.timer.time())
            _refuse_old(reading, old)
        old.require_alone()
        with old.writing() as reading:
            # It waits while the rows that were copied are compared.
            old.allow_pause(reading, seconds=1200)
            _refuse_senders(reading, old, old.timer.time())
            _refuse_old(reading, old)
            read = _copy_into(destination, reading, secret or _secret_beside(place))
            # Last: a kill before it leaves both, and the command has not said that it is done.
            set_lineage(
                reading,
                quarantined_at=clock.now(),
                quarantine_reason=f"it was moved to {_named(destination)}",
            )
    return sorted(read.items())


def _secret_beside(place: Path | str) -> str | None:
    file = place.parent / SECRET_FILE if isinstance(place, Path) else None
    return file.read_text("ascii", "replace").strip() if file and file.is_file() else None


def _copy_into(
    destination: Path | str, reading: Connection, secret: str | None
) -> dict[str, TableContent]:
    """Copy all rows into a new database, which is complete or not there."""
    if left_out := engine_tables(reading):
        log.warning(
            "the task engine's tables are left out: turns are made anew", tables=left_out
        )
    with _new_database(destination) as new, new.writing() as writing:
        if filled_tables(writing) - {lineage_table.name}:
            raise DatabaseError(f"{new.name}: is not empty; copy into another one")
        read = copy_rows(reading, writing)
        _compare(read, read_all_tables(writing))
        set_lineage(writing, server=new.server_id(writing))
        if secret and stored_fingerprint(writing) is None:
            store_fingerprint(writing, fingerprint(secret))
    return read


def _named(address: Path | str) -> str:
    return printable(parse_address(address)) if isinstance(address, str) else str(address)


def _find_address(text: str) -> Path | str:
    """Return an address of a server, or the path of a file. Raise UsageError."""
    if not is_address(text):
        return Path(text).resolve()
    try:
        parse_address(text)
    except ValueError as error:
        raise UsageError(f"the address {error}") from None
    return text


@contextmanager
def _new_database(address: Path | str) -> Iterator[Database]:
    """Open a database with empty tables. A file gets its name when all is done."""
    if isinstance(address, str):
        with closing(create_database(address)) as database:
            yield database
        return
    if address.exists():
        raise DatabaseError(f"{address}: is there already; copy into another file")
    if not address.parent.is_dir():
        raise DatabaseError(
            f"{address.parent}: is no folder; make it, or copy into another one"
        )
    unfinished = address.with_name(address.name + _UNFINISHED)
    _remove(unfinished)
    try:
        with closing(create_database(unfinished)) as database:
            yield database
        unfinished.rename(address)
    finally:
        _remove(unfinished)


def _remove(unfinished: Path) -> None:
    """Remove what a copy has left that was killed or refused, with the logs of the database."""
    for path in unfinished.parent.glob(f"{unfinished.name}*"):
        path.unlink()


def _refuse_senders(connection: Connection, source: Database, now: float) -> None:
    living = [lease for lease in list_leases(connection) if lease.expires_at > now]
    if living:
        seconds = max(lease.expires_at for lease in living) - now
        raise DatabaseError(
            f"{source.name}: mail is being sent ({len(living)} leases), or was until a kill just now; stop `publisher run` and "
            f"`publisher deliver` on all machines, and try again in {seconds:.0f} seconds"
        )


def _refuse_old(connection: Connection, source: Database) -> None:
    """Refuse a database from which nothing may be sent: the copy would send nothing either."""
    found = read_lineage(connection)
    server = source.server_id(connection)
    if sign := (found and found.quarantine_reason) or find_sign(found, server, ()):
        raise DatabaseError(
            f"{source.name}: may not know what was sent: {sign}. Copy the database that sends, or decide "
            "about this one first, with `publisher recover --release`"
        )


def _compare(read: dict[str, TableContent], written: dict[str, TableContent]) -> None:
    if unlike := sorted(name for name in read if written.get(name) != read[name]):
        raise DatabaseError(f"the copy differs in {', '.join(unlike)}; nothing was kept")
