"""Refuse to start with an empty database beside what a former one has published, or with a damaged one.

The database is the only record of what was sent, and of the ids of feed entries. Whether it is an old
copy is found out in `publisher.delivery.lineage`.
"""

from __future__ import annotations

from pathlib import Path

import structlog
from sqlalchemy import Connection

from publisher import urls
from publisher.bucket.former_pages import fetch_issue_pages, find_former_contents
from publisher.config import Folders, Settings
from publisher.database import Database
from publisher.database.dialect import damage_of
from publisher.delivery.lease_holder import senders_died_here
from publisher.delivery.lineage.state import Lineage, read_lineage, set_lineage
from publisher.delivery.lineage.witness import FILE as WITNESS_FILE
from publisher.delivery.lineage.witness import forget_witness, read_witnesses
from publisher.errors import DatabaseError, LostStateError
from publisher.ingest.item_state import stored_sources
from publisher.issues.recovered_stories import store_former_stories
from publisher.issues.store import latest_issues

log = structlog.get_logger()


def refuse_lost_state(settings: Settings, database: Database) -> None:
    """Raise LostStateError if nothing was ever recorded, although something was published or sent.

    A published file shows it, the witness of another database, or a bucket with files.
    Raise BucketError if files go into a bucket that can't be asked.
    """
    with database.reading() as connection:
        if has_state(connection):
            return
        written = read_lineage(connection)
    file = (
        _published_file(settings.folders)
        or _foreign_witness(settings, written)
        or find_former_contents(settings)
    )
    if file is not None:
        raise LostStateError(_name(settings), str(file))


def require_whole(settings: Settings, *, was_killed: bool) -> None:
    """Raise DatabaseError if a file is damaged and a process was killed: an old file may lie beside a later log.

    Looking through a file takes about a second for each gigabyte.
    """
    path = settings.database
    if not (isinstance(path, Path) and path.exists()):
        return
    if not (was_killed or senders_died_here(settings)):
        return
    if damage := damage_of(path, may_be_empty=True):
        raise DatabaseError(
            f"{path}: is damaged ({damage}), so nothing is sent from it. Was it replaced while a {path.name}-wal of "
            "another one lay beside it? Put a backup back with `publisher restore`, which keeps this file"
        )


def begin_anew(settings: Settings, database: Database) -> None:
    """Forget the witness of a database that is gone, and end the quarantine, if this one has nothing.

    The stories of the issues that have a page count as an archive. Fetch the pages of issues from the bucket, if there is one: those are not sent again.
    """
    with database.reading() as connection:
        if has_state(connection):
            return
    fetch_issue_pages(settings)
    forget_witness(settings)
    with database.writing() as connection:
        set_lineage(connection, quarantined_at=None, quarantine_reason=None)
        if count := store_former_stories(connection, settings.folders.public):
            log.warning(
                "stories of the issues in public/ count as an archive, which nobody gets by mail again; "
                "`publisher articles announce` mails them all the same",
                stories=count,
            )


def has_state(connection: Connection) -> bool:
    """Return whether a cycle was ever run with this database."""
    return bool(stored_sources(connection) or latest_issues(connection, 1))


def _foreign_witness(settings: Settings, written: Lineage | None) -> Path | None:
    """Return a witness that was written with another database than this one."""
    for one in read_witnesses(settings):
        is_ours = written is not None and one.is_of(written.incarnation)
        # With the number 0 it says that nothing was sent.
        is_void = one.page is not None and not one.page.number
        if not (is_void or is_ours or one.may_be_foreign):
            return one.folder / WITNESS_FILE
    return None


def _published_file(folders: Folders) -> Path | None:
    """Return a file that only a cycle writes: a message of an issue, or the list of feeds."""
    index = folders.public / urls.opml_path()
    if index.is_file():
        return index
    # Messages of issues, whose folder is a day; and those of a Maildir.
    patterns = ("*/*/[0-9]*/*.eml", "new/*", "cur/*")
    return next((file for one in patterns for file in folders.outbox.glob(one)), None)


def _name(settings: Settings) -> str:
    """Return the database's file; the address of a server may hold a password."""
    address = settings.database
    return str(address) if isinstance(address, Path) else "the database"
