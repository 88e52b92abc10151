"""The backup that the service makes once a day, if there is a table [backup].

A day's backup that was missed is made at the next turn, once. One that failed is tried again the next day.
`publisher backup` makes one at any time; those are never removed here.
"""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from publisher.app.backup import Backup, back_up_publication, read_backup
from publisher.backup_state import BackupState, read_backup_state, record_backup
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.disk_errors import storage_errors
from publisher.errors import PublisherError, UsageError
from publisher.recurrence import at_local_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from publisher.clock import Clock
    from publisher.config import Settings
    from publisher.config.backup import BackupSettings
    from publisher.database import Database
    from publisher.delivery.progress import Progress

log = structlog.get_logger()

_DAY = timedelta(days=1)
# A folder that a killed process, or a removal, left unfinished.
_UNFINISHED = re.compile(r"\.publisher-(\d{8}T\d{6}Z)\.part")


def make_due_backup(
    settings: Settings, database: Database, clock: Clock, progress: Progress
) -> None:
    """Make a backup if one is due, and remove the oldest beyond `keep`. Raise what went wrong, once a day.

    None is made of an old database while nobody has decided what to send: it would push out better ones.
    """
    chosen, now = settings.backup, clock.now()
    if chosen is None:
        return
    with database.reading() as connection:
        state = read_backup_state(connection)
    if not is_due(chosen.at, settings.zone(), state, now):
        return
    if find_quarantine(settings, database, now):
        return
    require = partial(progress, "making a backup", 0, 1)
    try:
        _make(settings, chosen, database, clock, require)
    except Exception as error:
        # A service that is being stopped ends it, which is no failure: the next start makes it.
        require()
        known = isinstance(error, PublisherError | OSError)
        _record(database, now, str(error) if known else f"a fault of the program: {error!r}")
        raise


def is_due(at: time, zone: ZoneInfo, state: BackupState, now: datetime) -> bool:
    """Return whether no backup was tried since the hour came last. Pure."""
    today = now.astimezone(zone).date()
    due_at = at_local_time(today, at, zone).due_at
    if due_at > now:
        due_at = at_local_time(today - _DAY, at, zone).due_at
    # A clock that was far ahead must not put the next one off for as long.
    return state.tried_at is None or not due_at <= state.tried_at <= now + _DAY


def _make(
    settings: Settings,
    chosen: BackupSettings,
    database: Database,
    clock: Clock,
    require: Callable[[], object],
) -> None:
    require()
    folder = chosen.path(settings.folders.root).resolve()
    made = back_up_publication(settings, folder, clock, is_scheduled=True, require=require)
    _record(database, made.made_at)
    with storage_errors(folder):
        removed = [*_remove_old(folder, made, chosen.keep), *_remove_unfinished(folder, made)]
    log.info("a backup was made", folder=str(made.folder), removed=removed)


def _record(database: Database, now: datetime, problem: str | None = None) -> None:
    with database.writing() as connection:
        record_backup(connection, now, problem)


def _remove_old(folder: Path, made: Backup, keep: int) -> Iterator[str]:
    """Remove what turns made of this database, but for the newest. Yield the names.

    Those that are dated later than the one just made stay, and do not count: the clock was wrong then or is
    now. If it is now, they are the good ones.
    """
    mine = sorted(
        (one for one in _backups(folder) if _is_like(one, made)), key=lambda one: one.made_at
    )
    past = [one for one in mine if one.made_at <= made.made_at]
    if later := [one.folder.name for one in mine[len(past) :]]:
        log.warning("backups are dated later than now, and stay until then", backups=later)
    for one in past[:-keep]:
        # Half a backup must not look like one.
        unfinished = folder / f".{one.folder.name}.part"
        one.folder.rename(unfinished)
        shutil.rmtree(unfinished)
        yield one.folder.name


def _is_like(one: Backup, made: Backup) -> bool:
    return one.is_scheduled and one.incarnation == made.incarnation


def _backups(folder: Path) -> Iterator[Backup]:
    for path in folder.glob("publisher-*Z"):
        try:
            yield read_backup(path)
        except UsageError as error:
            log.debug("is left where it is", reason=str(error))


def _remove_unfinished(folder: Path, made: Backup) -> Iterator[str]:
    """Remove what nobody is writing any more. Yield the names."""
    for path in folder.iterdir():
        found = _UNFINISHED.fullmatch(path.name)
        if found and _instant(found[1]) < made.made_at - _DAY:
            shutil.rmtree(path)
            yield path.name


def _instant(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
