"""Lead while this process runs, and fence what it writes as the leader.

A thread renews the lease. A process that was stopped for longer finds another epoch in the leader's row. Right before
each change of a file it looks at its own fence, by the machine's uptime, and at the epoch in the file `.epoch` of the
web root. That one also says whether the folder is the one that the last leader wrote to. Each machine that runs has
its name in the shared folder meanwhile.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread

from sqlalchemy import Connection

from publisher.clock import uptime
from publisher.database import Database
from publisher.errors import DatabaseError, LeaderLostError
from publisher.files import guarded_changes, write_file
from publisher.leader import store
from publisher.leader.store import LEADER_SECONDS, Process, running_processes
from publisher.log import log

_RENEWAL_SECONDS = 5.0  # seconds between renewals, and tries to lead
_FENCE = 0.75  # share of the lease after which a leader that could not renew it writes nothing
_EPOCH_FILE = ".epoch"


class Leadership:
    """Whether this process leads. For all its threads."""

    def __init__(self, database: Database, process: Process) -> None:
        self._database = database
        self._process = process
        self._lock = Lock()
        self._epoch: int | None = None
        self._fenced_at = 0.0

    @property
    def epoch(self) -> int | None:
        """The epoch with which this process leads; None if it does not, or may not any more."""
        epoch = self._epoch
        return epoch if uptime() < self._fenced_at else None

    def refresh(self) -> int | None:
        with self._lock:
            started = uptime()
            with self._database.writing_beside() as connection:
                now = self._database.timer.time()
                store.report_running(connection, self._process, now)
                epoch = store.take_or_renew(connection, self._process, self._epoch, now)
            if epoch != self._epoch:
                log.info(
                    "this process leads" if epoch else "another process leads", epoch=epoch
                )
            # In this order: a lost epoch must not count for another instant.
            self._epoch = epoch
            self._fenced_at = started + _FENCE * LEADER_SECONDS
            return epoch

    @contextmanager
    def leading(
        self, public: Path, mark_files_due: Callable[[Connection], None]
    ) -> Iterator[Database | None]:
        """Yield the database while this process plans and writes files; None if another process leads.

        Transactions of this database, and changes of files, raise LeaderLostError once another
        process leads. `mark_files_due` has all files written again: the folder is not the one
        that the last leader wrote to, or lacks what it wrote.
        """
        epoch = self.refresh()
        if epoch is None:
            yield None
            return
        if (found := _read_epoch(public)) > epoch:
            epoch = self._go_past(found, epoch)
        database = self._database.guarded(
            partial(store.require_epoch, holder=self._process.id, epoch=epoch)
        )
        _take_folder(database, public, epoch, mark_files_due)
        with guarded_changes(partial(self._require_files, public, epoch)):
            yield database

    def _go_past(self, found: int, epoch: int) -> int:
        """Lead with an epoch after that of a folder: the database is older than it, or a new one.

        Raise LeaderLostError if it is another leader's that has followed.
        """
        with self._lock:
            with self._database.writing_beside() as connection:
                store.raise_epoch(connection, self._process.id, epoch, found + 1)
            # Not before the commit: the next renewal would look for an epoch that nobody has.
            self._epoch = found + 1
        log.warning("the web root is of a later leader", epoch=epoch, found=found)
        return found + 1

    def _require_files(self, public: Path, epoch: int) -> None:
        # A file in the place of the folder: each change fails by itself, and says so.
        is_ours = public.is_file() or _read_epoch(public) == epoch
        if self.epoch != epoch or not is_ours:
            raise LeaderLostError

    def leave(self) -> None:
        with self._lock, self._database.writing_beside() as connection:
            self._epoch = None
            store.end_process(connection, self._process)


def _take_folder(
    database: Database, public: Path, epoch: int, mark_files_due: Callable[[Connection], None]
) -> None:
    """Put the epoch into a folder, after marking what it may lack."""
    if public.is_file():
        return
    found = _read_epoch(public)
    with database.writing() as connection:
        last = store.files_epoch(connection)
        if found == last == epoch:
            return
        if found != last or not public.is_dir():
            mark_files_due(connection)
        store.set_files_epoch(connection, epoch)
    write_file(public / _EPOCH_FILE, f"{epoch}\n".encode("ascii"))


def _read_epoch(public: Path) -> int:
    try:
        return int((public / _EPOCH_FILE).read_text("ascii"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return 0


@contextmanager
def hold_leadership(database: Database, host: str, scope: str) -> Iterator[Leadership | None]:
    """Lead while the block runs, whenever no other process does. None: with a file there is no other.

    `scope` is where the lock of the publication counts, which this process holds.
    """
    if database.path is not None:
        yield None
        return
    leadership = Leadership(database, Process(secrets.token_hex(8), host, os.getpid(), scope))
    stop = Event()
    thread = Thread(target=_renew, args=(leadership, stop), name="leader", daemon=True)
    leadership.refresh()
    thread.start()
    try:
        yield leadership
    finally:
        stop.set()
        thread.join()
        try:
            leadership.leave()
        except DatabaseError as error:
            log.warning("the lease of the leader stays until it expires", reason=str(error))


def _renew(leadership: Leadership, stop: Event) -> None:
    while not stop.wait(_RENEWAL_SECONDS):
        try:
            leadership.refresh()
        except DatabaseError as error:
            log.warning("can't renew the lease of the leader", reason=str(error))


_FOLDER = ".hosts"


def name_host(folder: Path, host: str) -> None:
    """Write the name of this host into a folder. It stays: another host that gets a folder of its own finds no names there."""
    write_file(folder / _FOLDER / host, b"")


def hosts_apart(database: Database, folder: Path) -> list[str]:
    """Return the hosts that run the publication now, and have not written their names into the folder (`name_host`), which they do first."""
    with database.reading() as connection:
        running = running_processes(connection, database.timer.time())
    named = {file.name for file in (folder / _FOLDER).glob("*")}
    return sorted({one.host for one in running} - named)
