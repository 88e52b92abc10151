"""Compare the database with what is known outside it; if it is older, nothing is planned or sent.

Each sign alone is enough. What a sign means is a sentence, stored with the quarantine, so that every
process and command gives the same reason. `publisher recover` ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from time import monotonic

import structlog
from sqlalchemy import Connection

from publisher.config import Settings
from publisher.database import Database
from publisher.database.dialect.sql import skip_lost_ids
from publisher.delivery.lineage.state import (
    UNKNOWN,
    LedgerPage,
    Lineage,
    add_lineage,
    read_lineage,
    set_lineage,
)
from publisher.delivery.lineage.witness import WitnessedPage, open_witness, read_witnesses
from publisher.errors import StorageError
from subscribers.tables import subscriber

log = structlog.get_logger()

# Seconds between two looks at the witnesses of a database in a file, by one sender: what it may hold in advance.
FILE_CHECK_INTERVAL = 0.1
_REMEDY = "Nothing is planned or sent until `publisher recover --release`"


def find_quarantine(
    settings: Settings, database: Database, now: datetime, *, records: bool = True
) -> str | None:
    """Return why nothing may be sent from this database, None if it may.

    Record what is new, here and in this machine's witness, unless the database is opened for reading.
    """
    # First: a sender may write a page at any time, and its witness after it.
    witnesses = read_witnesses(settings)
    with database.reading() as connection:
        found, server = read_lineage(connection), database.server_id(connection)
    if found and found.quarantine_reason:
        return explain_quarantine(found.quarantine_reason)
    sign = find_sign(found, server, witnesses)
    if sign:
        if records:
            _quarantine(database, found, sign, now)
            _tell_all(settings, found, witnesses)
        return explain_quarantine(sign)
    if found and records:
        if server != found.server:
            with database.writing() as connection:
                set_lineage(connection, server=server)
        # Of other machines, too: after a restore in place, theirs may be the only pages that are missing.
        _follow(settings, LedgerPage(found.incarnation, found.page))
    return None


def _tell_all(
    settings: Settings, found: Lineage | None, witnesses: Sequence[WitnessedPage]
) -> None:
    """Have each witness know what one knows.

    `recover` may be run where that one can't be found, and must not take the others for complete.
    """
    pages = [
        one.page for one in witnesses if one.page and found and one.is_of(found.incarnation)
    ]
    if pages:
        _follow(settings, max(pages, key=lambda page: page.number))


def _follow(settings: Settings, page: LedgerPage) -> None:
    """Record a page in this machine's witness. A full disk stops senders only, when they record theirs."""
    try:
        open_witness(settings).follow(page)
    except StorageError as error:
        log.warning("what other machines have sent can't be noted", reason=str(error))


@dataclass(slots=True)
class AgeCheck:
    """Whether nothing may be sent, asked in each transaction of one sender."""

    settings: Settings
    database: Database
    _checked_at: float = -inf

    def __call__(self, connection: Connection) -> bool:
        """Return whether the database has become an old one."""
        # A process keeps the file that it has opened, and `turn_page` compares its own last page. A server
        # may be another one in any transaction.
        if self.database.path is not None:
            now = monotonic()
            if now - self._checked_at < FILE_CHECK_INTERVAL:
                return False
            self._checked_at = now
        return bool(why_old(self.settings, self.database, connection))


def why_old(settings: Settings, database: Database, connection: Connection) -> str:
    """Return why nothing may be sent, as sentences for people; empty if it may. Record nothing.

    For transactions that reserve mails, before they read anything: a server may have taken over, or a copy
    have been put back, since the last one. Connections are made anew without a word.
    """
    # First, as in `find_quarantine`.
    witnesses = read_witnesses(settings)
    found, server = read_lineage(connection), database.server_id(connection)
    reason = found.quarantine_reason if found else None
    reason = reason or find_sign(found, server, witnesses)
    return explain_quarantine(reason) if reason else ""


def explain_quarantine(reason: str) -> str:
    """Return a stored reason as sentences for people."""
    return f"This database may not know what was sent: {reason}. {_REMEDY}"


def without_remedy(explained: str) -> str:
    """Return what `explain_quarantine` says, for a database that is no longer quarantined."""
    return explained.removesuffix(f" {_REMEDY}")


def find_sign(found: Lineage | None, server: str, witnesses: Sequence[WitnessedPage]) -> str:
    """Return why a database is not the one that was written last; empty if it may be."""
    if found is None:
        return "it was made from a dump of `publisher backup`"
    if found.copied_at:
        return f"it is a backup, made at {found.copied_at:%Y-%m-%d %H:%M:%S} UTC"
    if sign := _sign_of_witnesses(found, witnesses):
        return sign
    if found.server and server != found.server:
        return (
            f"it is on another server, or on one that took over ({server}, was {found.server})"
        )
    return ""


def _sign_of_witnesses(found: Lineage, known: Sequence[WitnessedPage]) -> str:
    is_vouched_for = any(one.is_of(found.incarnation) for one in known)
    for one in known:
        folder, page = one.folder, one.page
        if page is None:
            if is_vouched_for:
                continue
            return f"{folder}/witness is damaged, and does not say which transaction sent last"
        if page.incarnation != found.incarnation:
            if one.may_be_foreign or not page.number:
                continue
            return f"{folder}/witness was written with another one"
        if page.number > found.page:
            return (
                f"it is older than {folder}/witness (its last transaction that sent has the number "
                f"{found.page}, and there was one with {page.number})"
            )
    return ""


def _quarantine(database: Database, found: Lineage | None, sign: str, now: datetime) -> None:
    with database.writing() as connection:
        if found is None:
            add_lineage(connection, Lineage(UNKNOWN, 0))
        # Who joins from now on is nobody whom a journal knows by number.
        skip_lost_ids(connection, subscriber)
        set_lineage(connection, quarantined_at=now, quarantine_reason=sign)
    log.error("nothing is sent: the database may be old", reason=sign)
