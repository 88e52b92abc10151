"""The witness: the last page of the database, in a file outside it; and the journal of what each page did.

Both are written after each commit of a sender and before anything of it is handed out, so a database that lost
commits is noticed, and whatever may have been sent is on record. A kill loses nothing; a power cut may lose what is
younger than a second. A line of the journal is a checksum and JSON; a file holds a day and is kept for `KEEP_DAYS`.
Subscribers are only numbers.
"""

import hashlib
import json
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from publisher.config import Settings
from publisher.database.dialect.sql import LargeInteger
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import lineage_table
from publisher.errors import DeliveryError
from publisher.files import storage_errors, try_lock

# By how much a page grows at least when a database is recovered: far more than other machines can have
# written that are not asked, and far more than a database writes in a second.
PAGES_AHEAD = 1_000_000
UNKNOWN = "unknown"  # the incarnation of a dump that has none


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
    """Begin a page after page `known` of this sender. Return None if the database is quarantined, a copy, or older than that."""
    row = connection.execute(_TURN, {"known": known}).one_or_none()
    return LedgerPage(*row) if row else None


def page_after_recovery(last: int, now: datetime) -> int:
    """Return the page with which a recovered database goes on, above those of all former recoveries, by the clock."""
    return max(last, int(now.timestamp()) * PAGES_AHEAD) + PAGES_AHEAD


def lost_pages(last: int, since: int) -> int:
    """Return how many pages are known to be lost between two; where a recovery jumped over many, one."""
    lost = since - last - 1
    return lost if lost < PAGES_AHEAD - 1 else 1


def add_lineage(connection: Connection, row: Lineage) -> None:
    connection.execute(insert(lineage_table).values(id=1, **asdict(row)))


def set_lineage(connection: Connection, **values: Any) -> None:
    connection.execute(update(lineage_table).values(values))


FOLDER = "journal"
# Backups that are older can't be completed from it. A million mails take about 20 MB.
KEEP_DAYS = 31
# Days that are deleted when one begins. No more: a clock that is a year ahead for an hour must not
# delete all. More than one: so that too many, as after a long pause, become fewer.
_DAYS_AT_ONCE = 2
_CHECKSUM = 8
# Of pages with the same number, these count before others, and the last before the first.
_STRONGEST = (DeliveryState.ATTEMPTING, DeliveryState.SENT)

# Numbers of subscribers by state, of each issue by its name.
Moves = Mapping[str, Mapping[str, list[int]]]


@dataclass(frozen=True, slots=True)
class JournalPage:
    """One line: its page, the first page that it stands for, the sender's lease, and what moved."""

    incarnation: str
    number: int
    since: int
    lease_id: int | None = None
    moves: Moves = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LastWord:
    """What the journal says of a delivery last."""

    state: str
    lease_id: int | None


@dataclass(slots=True)
class JournalContent:
    """What journals say since a page: the last word about each delivery, the last page, and pages unknown or contradictory."""

    words: dict[str, dict[int, LastWord]] = field(default_factory=dict)
    last: int = 0
    missing: int = 0


def format_line(page: JournalPage) -> bytes:
    return format_values([page.incarnation, page.number, page.since, page.lease_id, page.moves])


def format_values(values: list[Any]) -> bytes:
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def parse_values(line: bytes) -> list[Any] | None:
    """Return what `format_values` wrote; None if the line is not whole."""
    checksum, text = line[:_CHECKSUM], line[_CHECKSUM + 1 :].rstrip(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    values: list[Any] = json.loads(text)
    return values


def append_values(folder: Path, suffix: str, values: list[Any], now: datetime) -> None:
    """Append a line to a day's file of some kind. Raise StorageError if it can't be written."""
    with storage_errors(folder):
        file = folder / FOLDER / f"{now.date()}.{suffix}"
        _append(file, format_values(values), now.date(), sync=True)


def _append(file: Path, line: bytes, today: date, *, sync: bool) -> None:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        prune_journal(file.parent, today)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # Half a line, as after a power failure or on a full disk, must not spoil this one.
        is_cut = bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
        write_whole(descriptor, b"\n" * is_cut + line)
        if sync:
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def day_files(folder: Path, suffix: str) -> list[Path]:
    return sorted((folder / FOLDER).glob(f"*.{suffix}"))


def read_values(files: Iterable[Path]) -> Iterator[list[Any]]:
    for file in files:
        with suppress(FileNotFoundError), file.open("rb") as lines:
            yield from filter(None, map(parse_values, lines))


def write_whole(descriptor: int, line: bytes) -> None:
    """Write all bytes, or raise OSError: a disk that is nearly full takes some of them."""
    while line:
        line = line[os.write(descriptor, line) :]


def journal_file(folder: Path, day: date, slot: int) -> Path:
    """Return the file of a day; several that are written at once have a slot each."""
    return folder / FOLDER / (f"{day}.{slot}.log" if slot else f"{day}.log")


def prune_journal(files: Path, today: date) -> None:
    """When a day begins, delete the oldest days that are too old to be of use."""
    if any(files.glob(f"{today}*")):
        return
    oldest = str(today - timedelta(days=KEEP_DAYS))
    # No other file, such as those that NFS keeps while they are open.
    old = [file for file in files.glob("[0-9]*") if file.name < oldest]
    days = sorted({file.name[: len(oldest)] for file in old})[:_DAYS_AT_ONCE]
    for file in old:
        if file.name.startswith(tuple(days)):
            file.unlink(missing_ok=True)


def read_journals(folders: Iterable[Path], incarnation: str, since: int) -> JournalContent:
    pages: defaultdict[int, list[JournalPage]] = defaultdict(list)
    for page in _pages(folders):
        # A second folder has the same.
        if (
            page.incarnation == incarnation
            and page.number > since
            and page not in pages[page.number]
        ):
            pages[page.number].append(page)
    content = JournalContent(last=since)
    for _number, same in sorted(pages.items()):
        _add(content, same)
    return content


def _add(content: JournalContent, same: list[JournalPage]) -> None:
    """Add what has the next number; more than one if the database went on in two ways."""
    gap = lost_pages(content.last, max(page.since for page in same))
    # Nothing says which of the next pages belong to which of them.
    content.missing += max(0, gap) + len(same) - 1
    content.last = same[0].number
    moves = [
        (state, page.lease_id, issue, subscribers)
        for page in same
        for issue, states in page.moves.items()
        for state, subscribers in states.items()
    ]
    for state, lease, issue, subscribers in sorted(moves, key=_weight):
        words = content.words.setdefault(issue, {})
        words.update(dict.fromkeys(subscribers, LastWord(state, lease)))


def _weight(move: tuple[str, int | None, str, list[int]]) -> int:
    """Order moves of the same number: what says most of a mail comes last, and counts."""
    return _STRONGEST.index(move[0]) if move[0] in _STRONGEST else -1


def _pages(folders: Iterable[Path]) -> Iterator[JournalPage]:
    files = (file for folder in folders for file in day_files(folder, "log"))
    for values in read_values(files):
        yield JournalPage(*values)


FILE = "witness"
_FOLDER = "publisher"
_LINE = 64  # more than a line takes, so that each overwrites the former
_SYNC_INTERVAL = 1.0  # seconds between two writes that wait for the disk


def witness_folders(settings: Settings) -> list[Path]:
    second = second_folder(settings)
    return [settings.folders.var, *([second] if second else [])]


def second_folder(settings: Settings) -> Path | None:
    chosen = settings.delivery.witness
    return settings.folders.root / chosen if chosen else _state_folder(settings)


def _state_folder(settings: Settings) -> Path | None:
    """Return a folder that stays where it is when all of the publication's is put back; None if there is none or none is wanted."""
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
    """A last page, and where it stands; None if the file is damaged. Other databases may have had the folder before."""

    folder: Path
    page: LedgerPage | None
    may_be_foreign: bool = False

    def is_of(self, incarnation: str) -> bool:
        return self.page is not None and self.page.incarnation == incarnation


def read_witnesses(settings: Settings) -> list[WitnessedPage]:
    """Return what the witnesses of a publication know: of the state directory, the page of each database."""
    second = None if settings.delivery.witness else _state_folder(settings)
    witnessed = []
    for folder in witness_folders(settings):
        lines = [*filter(None, _read_lines(folder))]  # an empty file was being made at a kill
        pages = [*filter(None, map(_page_of, lines))]
        if folder == second:
            witnessed += [WitnessedPage(folder, page, True) for page in pages]
        elif page := max(pages, key=_number, default=None):
            witnessed.append(WitnessedPage(folder, page))
        if len(pages) < len(lines):  # damaged: something else than a page
            witnessed.append(WitnessedPage(folder, None))
    return witnessed


def read_witness(folder: Path) -> LedgerPage | None:
    return max(read_pages(folder), key=_number, default=None)


def read_pages(folder: Path) -> list[LedgerPage]:
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

    def record(self, page: JournalPage, now: datetime) -> None:
        """Record a page that is committed. Raise StorageError if it can't be written."""
        is_due = monotonic() - self._synced_at > _SYNC_INTERVAL
        for folder in self.folders:
            with storage_errors(folder), _free_slot(folder) as (descriptor, slot):
                if self.has_journal:
                    file = journal_file(folder, now.date(), slot)
                    _append(file, format_line(page), now.date(), sync=is_due)
                _advance(descriptor, LedgerPage(page.incarnation, page.number))
                if is_due:
                    os.fdatasync(descriptor)
        if is_due:
            self._synced_at = monotonic()

    def record_line(self, line: str | None, now: datetime) -> None:
        """Record a page of a process that may have been killed before it did; twice counts as once."""
        if line and self.has_journal and (values := parse_values(line.encode())):
            self.record(JournalPage(*values), now)

    def follow(self, page: LedgerPage) -> None:
        """Know a page that another machine may have written, also that none was: a lost witness can't say that nothing was sent."""
        for folder in self.folders:
            last = read_witness(folder)
            is_known = last and last.number >= page.number
            # That of a database which sent nothing hides nothing.
            is_void = last and not last.number and last != page
            if is_void or not is_known:
                with storage_errors(folder), _free_slot(folder) as (descriptor, _slot):
                    _advance(descriptor, page)


def open_witness(settings: Settings) -> Witness:
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
        file = folder / (f"{FILE}.{slot}" if slot else FILE)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if try_lock(descriptor):
                yield descriptor, slot
                return
        finally:
            os.close(descriptor)


def _advance(descriptor: int, page: LedgerPage) -> None:
    """Write a page, unless another process has written a later one of the same database."""
    last = _page_of(os.pread(descriptor, _LINE, 0))
    if last and last.incarnation == page.incarnation and last.number >= page.number:
        return
    os.pwrite(
        descriptor, f"{page.incarnation} {page.number}".ljust(_LINE - 1).encode() + b"\n", 0
    )
