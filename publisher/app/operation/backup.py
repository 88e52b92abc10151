"""Back up a publication's database and secret, marked as a copy; and put a backup back.

A marked database sends nothing until `publisher recover --release`: what was sent since is not in it. The service makes
a backup once a day, if there is a table [backup]. A day's backup that was missed is made at the next turn, once. One
that failed is tried again the next day. `publisher backup` makes one at any time; those are never removed here.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from publisher.app.same_secret import require_same_secret
from publisher.app.start_checks import has_state
from publisher.app.subscribers.departures import record_departures
from publisher.clock import Clock
from publisher.config import Settings
from publisher.config.publication import BackupSettings
from publisher.database import Database, dialect, open_database
from publisher.database.copy import back_up
from publisher.delivery.dispatcher import Progress
from publisher.delivery.lease_holder import record_last_pages, senders_here
from publisher.delivery.lineage import witness
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.errors import BusyError, DatabaseError, PublisherError, StorageError, UsageError
from publisher.files import make_folder, storage_errors, sync_folder, write_durably
from publisher.jobs.turns import BackupState, read_backup_state, record_backup
from publisher.leader.process_lock import hold_publication_lock
from publisher.log import log
from publisher.recurrence import at_local_time
from publisher.secrets import load_secret, put_secret_aside, store_secret

_ABOUT, _FILE, _DUMP, _SECRET = "backup.json", "publisher.db", "publisher.dump", "secret"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup: its folder, when it was made, and from which page of which database."""

    folder: Path
    made_at: datetime
    incarnation: str
    page: int
    is_dump: bool
    is_scheduled: bool = False  # whether the service made it, which removes it some day


_BACKUP = TypeAdapter(Backup)


def back_up_publication(
    settings: Settings,
    target: Path,
    clock: Clock,
    *,
    is_scheduled: bool = False,
    require: Callable[[], object] = lambda: None,
) -> Backup:
    """Make a backup in a new folder below `target` while senders go on. `require` is called from time to time, and may raise to end it."""
    now = clock.now()
    if target.resolve().is_relative_to(settings.folders.public.resolve()):
        raise UsageError(f"{target}: lies in public/, and everybody can read what is there")
    folder = target.resolve() / f"publisher-{now:%Y%m%dT%H%M%SZ}"
    with storage_errors(target), _unfinished(folder) as unfinished:
        found = _copy_database(settings, unfinished, now, require)
        write_durably(unfinished / _SECRET, load_secret(settings).encode())
        is_dump = isinstance(settings.database, str)
        backup = Backup(folder, now, found.incarnation, found.page, is_dump, is_scheduled)
        # Not the folder: somebody may move it.
        about = _BACKUP.dump_python(backup, mode="json", exclude={"folder"})
        write_durably(unfinished / _ABOUT, json.dumps(about | {"format": _FORMAT}).encode())
    return backup


def read_backup(folder: Path) -> Backup:
    """Return what a backup says of itself. Raise UsageError if the folder is none."""
    try:
        values = json.loads((folder / _ABOUT).read_bytes())
        if values["format"] != _FORMAT:
            raise UsageError(f"{folder}: was made by a newer version; upgrade the program")
        return _BACKUP.validate_python({**values, "folder": folder})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder}: is no backup that `publisher backup` made") from error


def restore_publication(settings: Settings, folder: Path, clock: Clock) -> Backup:
    """Put a backup's database in the place of the present one, which is kept. Nothing is sent until `publisher recover --release`."""
    backup = read_backup(folder)
    if backup.is_dump != isinstance(settings.database, str):
        kinds = ("a file", "a server's") if backup.is_dump else ("a server's", "a file")
        raise UsageError(
            f"{folder}: the publication's database is {kinds[0]}, and the backup is of {kinds[1]}"
        )
    with storage_errors(settings.folders.var), hold_publication_lock(settings.folders):
        if senders_here(settings):
            raise BusyError(str(settings.folders.root), "that sends")
        secret = _read_secret(folder / _SECRET)
        if isinstance(settings.database, Path):
            _look_into_replaced(settings, settings.database, secret, clock.now())
        store_secret(settings, secret)
        if isinstance(settings.database, str):
            _restore_dump(settings.database, settings.direct_database, backup)
        else:
            _restore_file(settings.database, folder / _FILE, clock.now())
        # Recorded now: pages may be served, and people join, before anything else looks.
        with closing(open_database(settings.database)) as database:
            find_quarantine(settings, database, clock.now())
    return backup


def _copy_database(
    settings: Settings, folder: Path, now: datetime, require: Callable[[], object]
) -> witness.Lineage:
    """Copy the database into a folder, and return where it was at most when that began."""
    if isinstance(settings.database, str):
        with closing(open_database(settings.database, upgrade=False)) as database:
            require_same_secret(settings, database, record=False)
            found = _lineage_of(database)
        address = dialect.find_direct_address(settings.database, settings.direct_database)
        dialect.dump_database(address, folder / _DUMP, without=("lineage",), require=require)
        return found
    if not settings.database.exists():
        raise UsageError(f"{settings.database}: is not there; there is nothing to back up")
    back_up(settings.database, folder / _FILE)
    with closing(open_database(folder / _FILE)) as copy:
        require_same_secret(settings, copy)
        found = _lineage_of(copy)
        if not found.quarantine_reason:
            # Of a database that sent nothing yet: after a restore it counts whether the witness says so.
            witness.open_witness(settings).follow(
                witness.LedgerPage(found.incarnation, found.page)
            )
        with copy.writing() as connection:
            witness.set_lineage(connection, copied_at=now)
    return found


def _lineage_of(database: Database) -> witness.Lineage:
    with database.reading() as connection:
        found = witness.read_lineage(connection)
    if found is None:
        raise DatabaseError(
            f"{database.name}: was restored from a dump; use `publisher recover --release` first"
        )
    return found


def _look_into_replaced(settings: Settings, path: Path, secret: str, now: datetime) -> None:
    """Record who left and was sent what last, as only the replaced file may know. Put an empty one's secret aside."""
    if not path.exists():
        return
    try:
        with closing(open_database(path, upgrade=False)) as database:
            record_departures(settings, database, now)
            record_last_pages(settings, database, now)
            with database.reading() as connection:
                is_empty = not has_state(connection)
    except DatabaseError as error:
        log.warning(
            "who left last can't be read from the file that is replaced", reason=str(error)
        )
        return
    if is_empty:
        # Made by a process that was started after the publication's own was lost, and has signed nothing.
        put_secret_aside(settings, secret, f"secret{_kept(now)}")


def _kept(now: datetime) -> str:
    return f"-before-restore-{now:%Y%m%dT%H%M%SZ}"


def _read_secret(file: Path) -> str:
    if not file.is_file():
        raise DatabaseError(f"{file}: is not there; restore another backup")
    secret = file.read_text("ascii", "replace").strip()
    if not secret or not secret.isascii():
        raise DatabaseError(f"{file}: is damaged; restore another backup")
    return secret


def _restore_file(path: Path, source: Path, now: datetime) -> None:
    if not source.is_file():
        raise DatabaseError(f"{source}: is not there; restore another backup")
    unfinished = path.with_name(f".{path.name}.restored")
    try:
        shutil.copyfile(source, unfinished)
        if damage := dialect.damage_of(unfinished):
            raise DatabaseError(f"{source}: is damaged ({damage}); restore another backup")
        if path.exists():
            _keep(path, path.with_name(f"{path.stem}{_kept(now)}.db"))
        # The log of the former database must not be played into this one.
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def _keep(path: Path, kept: Path) -> None:
    """Copy a database with what is in its log; put a damaged one aside with its log, to be salvaged."""
    try:
        # A process that goes on with the former file would write what nobody reads.
        dialect.require_alone(path)
        back_up(path, kept)
    except Exception as error:
        if not dialect.is_damage(error):
            raise
        for suffix in ("-wal", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.replace(kept.with_name(kept.name + suffix))


def _restore_dump(address: str, direct: str | None, backup: Backup) -> None:
    dialect.restore_dump(dialect.find_direct_address(address, direct), backup.folder / _DUMP)
    with closing(open_database(address)) as database, database.writing() as connection:
        row = witness.Lineage(backup.incarnation, backup.page, copied_at=backup.made_at)
        witness.add_lineage(connection, row)


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder that has its name only once it is complete."""
    unfinished = folder.with_name(f".{folder.name}.part")
    try:
        make_folder(folder.parent)
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
        raise StorageError(f"{folder.parent}: can't be made: {error.strerror}") from error
    try:
        unfinished.mkdir()
    except FileExistsError:
        raise StorageError(
            f"{folder}: another backup is being made; wait until it is"
        ) from None
    # It has all addresses and the secret, whatever the user's umask is.
    unfinished.chmod(0o700)
    try:
        if folder.exists():
            raise UsageError(f"{folder}: is there already; wait a second")
        yield unfinished
        # Wherever somebody moves them.
        for file in unfinished.iterdir():
            file.chmod(0o600)
        unfinished.replace(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


_DAY = timedelta(days=1)
# A folder that a killed process, or a removal, left unfinished.
_UNFINISHED = re.compile(r"\.publisher-(\d{8}T\d{6}Z)\.part")


def make_due_backup(
    settings: Settings, database: Database, clock: Clock, progress: Progress
) -> None:
    """Make a backup if one is due, and none of an old database: it would push out better ones. Raise what went wrong, once a day."""
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
    scheduled = (one for one in _backups(folder) if one.is_scheduled)
    own = (one for one in scheduled if one.incarnation == made.incarnation)
    mine = sorted(own, key=lambda one: one.made_at)
    past = [one for one in mine if one.made_at <= made.made_at]
    if later := [one.folder.name for one in mine[len(past) :]]:
        log.warning("backups are dated later than now, and stay until then", backups=later)
    for one in past[:-keep]:
        # Half a backup must not look like one.
        unfinished = folder / f".{one.folder.name}.part"
        one.folder.rename(unfinished)
        shutil.rmtree(unfinished)
        yield one.folder.name


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
