"""The journal: what each page of the ledger did, in files outside the database.

A line is a checksum and JSON. Lines are appended before anything is handed out, so whatever may have
been sent is in one. A file holds a day, and is deleted after `KEEP_DAYS`, or soon then. It names no subscriber but
by number.
"""

import json
import os
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from publisher.delivery.lineage.state import lost_pages
from publisher.delivery.states import DeliveryState
from publisher.files import storage_errors

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
    """What journals say since a page: the last word about each delivery, and the last page.

    `missing` are the pages of which no journal has anything, or of which two say different things.
    """

    words: dict[str, dict[int, LastWord]] = field(default_factory=dict)
    last: int = 0
    missing: int = 0


def format_line(page: JournalPage) -> bytes:
    """Return a page as a line."""
    return format_values([page.incarnation, page.number, page.since, page.lease_id, page.moves])


def format_values(values: list[Any]) -> bytes:
    """Return values as a line with a checksum."""
    text = json.dumps(values, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(text), text)


def parse_values(line: bytes) -> list[Any] | None:
    """Return what `format_values` wrote; None if the line is not whole."""
    checksum, text = line[:_CHECKSUM], line[_CHECKSUM + 1 :].rstrip(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    values: list[Any] = json.loads(text)
    return values


def parse_line(line: str) -> JournalPage | None:
    """Return what `format_line` wrote; None if the line is not whole."""
    values = parse_values(line.encode())
    return JournalPage(*values) if values else None


def append_values(folder: Path, suffix: str, values: list[Any], now: datetime) -> None:
    """Append a line to a day's file of some kind. Raise StorageError if it can't be written."""
    file = folder / FOLDER / f"{now.date()}.{suffix}"
    with storage_errors(folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            prune_journal(file.parent, now.date())
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # Half a line, as after a power failure, must not spoil this one.
            is_cut = bool(size) and os.pread(descriptor, 1, size - 1) != b"\n"
            write_whole(descriptor, b"\n" * is_cut + format_values(values))
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def day_files(folder: Path, suffix: str) -> list[Path]:
    """Return the files of some kind, the oldest first."""
    return sorted((folder / FOLDER).glob(f"*.{suffix}"))


def read_values(files: Iterable[Path]) -> Iterator[list[Any]]:
    """Yield what the whole lines of some files say."""
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
    """Return what the journals of some folders say of a database after a page."""
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
