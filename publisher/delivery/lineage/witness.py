"""The witness: the last page of the database, in a file outside it, and the journal beside it.

Written after each commit of a sender and before anything of it is handed out, so that a database
that lost commits is noticed. A kill loses nothing of it; a power cut may lose what is younger than
a second.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from pathlib import Path
from time import monotonic

from publisher.config import Settings
from publisher.delivery.lineage import journal
from publisher.delivery.lineage.state import LedgerPage
from publisher.files import storage_errors

FILE = "witness"
_FOLDER = "publisher"
# More than a line takes, so that each overwrites the former.
_LINE = 64
# Seconds between two writes that wait for the disk.
_SYNC_INTERVAL = 1.0


def witness_folders(settings: Settings) -> list[Path]:
    """Return the folders with a witness: `var`, and a second one outside the publication's folder, if there is one."""
    second = second_folder(settings)
    return [settings.folders.var, *([second] if second else [])]


def second_folder(settings: Settings) -> Path | None:
    """Return the second folder: that of the settings, or else one in the state directory."""
    chosen = settings.delivery.witness
    return settings.folders.root / chosen if chosen else _state_folder(settings)


def _state_folder(settings: Settings) -> Path | None:
    """Return a folder that stays where it is when all of the publication's is put back, as by a snapshot.

    It is named after the publication's path: a copy elsewhere has another one. None if the settings want none, or
    if the process has no state directory that it can write to outside the publication's folder.
    """
    home, root = _state_home(), settings.folders.root.resolve()
    if settings.delivery.witness is False or home is None or home.is_relative_to(root):
        return None
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return home / _FOLDER / f"{root.name}-{key}"


def _state_home() -> Path | None:
    """Return the state directory of systemd's unit, or of the user.

    https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#RuntimeDirectory=
    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    # Systemd separates several by a colon.
    unit = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    user, home = os.environ.get("XDG_STATE_HOME", ""), os.environ.get("HOME", "")
    places = map(Path, (unit, user, f"{home}/.local/state" if home else ""))
    place = next((one.resolve() for one in places if one.is_absolute()), None)
    if place is None:
        return None
    there = next(one for one in (place, *place.parents) if os.path.exists(one))  # noqa: PTH110  # no error if it can't be seen
    return place if there.is_dir() and os.access(there, os.W_OK) else None


@dataclass(frozen=True, slots=True)
class WitnessedPage:
    """A last page, and where it stands; None if the file is damaged, as by a power cut.

    Other databases than this one may have had the folder before.
    """

    folder: Path
    page: LedgerPage | None
    may_be_foreign: bool = False

    def is_of(self, incarnation: str) -> bool:
        """Return whether it is of this database."""
        return self.page is not None and self.page.incarnation == incarnation


def read_witnesses(settings: Settings) -> list[WitnessedPage]:
    """Return what the witnesses of a publication know: of the state directory, the page of each database."""
    second = None if settings.delivery.witness else _state_folder(settings)
    found = []
    for folder in witness_folders(settings):
        lines = [*filter(None, _read_lines(folder))]  # an empty file was being made at a kill
        known = [*filter(None, map(_page_of, lines))]
        if folder == second:
            found += [WitnessedPage(folder, page, True) for page in known]
        elif page := max(known, key=_number, default=None):
            found.append(WitnessedPage(folder, page))
        if len(known) < len(lines):  # damaged: something else than a page
            found.append(WitnessedPage(folder, None))
    return found


def read_witness(folder: Path) -> LedgerPage | None:
    """Return the last page that a folder's witness knows; None if it knows none."""
    return max(read_pages(folder), key=_number, default=None)


def read_pages(folder: Path) -> list[LedgerPage]:
    """Return what the files of a folder's witness know, each of which a process wrote."""
    return [*filter(None, map(_page_of, _read_lines(folder)))]


def _number(page: LedgerPage) -> int:
    return page.number


def _read_lines(folder: Path) -> Iterator[bytes]:
    for file in _witness_files(folder):
        with suppress(FileNotFoundError):
            yield file.read_bytes()


def _witness_files(folder: Path) -> list[Path]:
    """Return a folder's files, each of which a process wrote. Each transaction of a sender asks."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # much faster than Path.glob
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in names if name == FILE or name.startswith(f"{FILE}.")]


def _page_of(line: bytes) -> LedgerPage | None:
    words = line.decode("ascii", "replace").split()
    if len(words) != 2 or not words[1].isdecimal():  # noqa: PLR2004  # cut off while it was made
        return None
    return LedgerPage(words[0], int(words[1]))


@dataclass(slots=True)
class Witness:
    """Writes the witnesses and journals of a publication. Several processes may do so at once."""

    folders: Sequence[Path]
    has_journal: bool = True
    _synced_at: float = 0.0
    # The day on which each folder's journal was pruned last.
    _pruned: dict[Path, date] = field(default_factory=dict)

    def record(self, page: journal.JournalPage, now: datetime) -> None:
        """Record a page that is committed. Raise StorageError if it can't be written."""
        is_due = monotonic() - self._synced_at > _SYNC_INTERVAL
        for folder in self.folders:
            with storage_errors(folder), _free_slot(folder) as (descriptor, slot):
                if self.has_journal:
                    file = journal.journal_file(folder, now.date(), slot)
                    self._append(file, page, now, sync=is_due)
                _advance(descriptor, LedgerPage(page.incarnation, page.number))
                if is_due:
                    os.fdatasync(descriptor)
        if is_due:
            self._synced_at = monotonic()

    def record_line(self, line: str | None, now: datetime) -> None:
        """Record a page of a process that may have been killed before it did; twice counts as once."""
        page = journal.parse_line(line) if line and self.has_journal else None
        if page:
            self.record(page, now)

    def follow(self, page: LedgerPage) -> None:
        """Know a page that another machine may have written. Raise StorageError if that can't be stored.

        Also that no page was written yet: so nothing was sent, which a witness that is lost can't say.
        """
        for folder in self.folders:
            found = read_witness(folder)
            is_known = found and found.number >= page.number
            # That of a database which sent nothing hides nothing.
            is_void = found and not found.number and found != page
            if is_void or not is_known:
                with storage_errors(folder), _free_slot(folder) as (descriptor, _slot):
                    _advance(descriptor, page)

    def _append(
        self, file: Path, page: journal.JournalPage, now: datetime, *, sync: bool
    ) -> None:
        if self._pruned.get(file.parent) != now.date():
            file.parent.mkdir(exist_ok=True)
            journal.prune_journal(file.parent, now.date())
            self._pruned[file.parent] = now.date()
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        before = os.fstat(descriptor).st_size
        try:
            journal.write_whole(descriptor, journal.format_line(page))
            if sync:
                os.fdatasync(descriptor)
        except OSError:
            # Half a line would spoil the one that is written when there is room again.
            os.ftruncate(descriptor, before)
            raise
        finally:
            os.close(descriptor)


def open_witness(settings: Settings) -> Witness:
    """Return the witness of a publication."""
    return Witness(witness_folders(settings), has_journal=settings.delivery.journal)


def forget_witness(settings: Settings) -> None:
    """Remove what is known of the last page: the database begins anew, or its page has changed."""
    for folder in witness_folders(settings):
        for file in _witness_files(folder):
            file.unlink(missing_ok=True)


@contextmanager
def _free_slot(folder: Path) -> Iterator[tuple[int, int]]:
    """Lock the first witness that nobody writes to. Yield it, open, and its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for slot in count():
        descriptor = os.open(_witness_file(folder, slot), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if _is_locked_now(descriptor):
                yield descriptor, slot
                return
        finally:
            os.close(descriptor)


def _witness_file(folder: Path, slot: int) -> Path:
    return folder / (f"{FILE}.{slot}" if slot else FILE)


def _is_locked_now(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _advance(descriptor: int, page: LedgerPage) -> None:
    """Write a page, unless another process has written a later one of the same database."""
    found = _page_of(os.pread(descriptor, _LINE, 0))
    if found and found.incarnation == page.incarnation and found.number >= page.number:
        return
    os.pwrite(
        descriptor, f"{page.incarnation} {page.number}".ljust(_LINE - 1).encode() + b"\n", 0
    )
