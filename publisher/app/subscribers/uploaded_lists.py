"""Lists that were uploaded to be imported, as files below `var/imports`: one folder for each.

Reasons of `subscribers`, which translates nothing, become sentences that pages show in other languages.

A folder has the list, what is known of its import (`KeptImport`), and the rows that were left out. They
hold addresses: only this user can read them, and `delete_expired_imports` deletes them.
"""

import codecs
import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter

from publisher.config import Folders, Settings
from publisher.errors import UsageError
from publisher.files import make_folder, open_private, storage_errors, sync_folder, write_file
from publisher.i18n.messages import message, packed, unpacked
from subscribers.errors import BadFileError, RowReason
from subscribers.lists.cells import read_cells, write_cells
from subscribers.lists.import_export import Reject, read_columns

LIST, REJECTS, _STATUS = "list.csv", "rejects.csv", "status.json"
_KEY = re.compile(r"[0-9a-f]{32}")
# Before the cells of a row that was left out. A list that has them already is one of rejects.
_REASON_COLUMNS = ("line", "reason")
_PIECE_ROWS = 500  # rows of a file of rejects that are in memory at once
# How long a list waits for somebody to import it, and what is known of an import is kept after it.
_WAITS = timedelta(days=2)
_KEPT = timedelta(days=7)


def reason_sentence(reason: str) -> str:
    """Return the sentence of a RowReason; any other text as it is."""
    if not isinstance(reason, RowReason):
        return reason
    values = {
        name: reason_sentence(one) if isinstance(one, str) else one
        for name, one in reason.values.items()
    }
    return message(reason.template, **values)


def packed_reason(reason: str) -> str:
    """Return a reason as one text that keeps its template, to be stored (`publisher.i18n.messages.unpacked`)."""
    return packed(reason_sentence(reason))


class ImportState(StrEnum):
    """How far a list is: looked at, imported, or no list."""

    CHECKED = "checked"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptImport:
    """A list that was uploaded by `actor`; `report` is of the dry run, then of the import, empty if that was cut off."""

    key: str
    actor: str
    uploaded_at: datetime
    changed_at: datetime
    state: ImportState = ImportState.CHECKED
    problem: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    def expires_at(self) -> datetime:
        waits = self.state is ImportState.CHECKED
        return self.changed_at + (_WAITS if waits else _KEPT)


_KEPT_IMPORT = TypeAdapter(KeptImport)


def imports_folder(folders: Folders) -> Path:
    return folders.var / "imports"


def import_folder(folders: Folders, key: str) -> Path:
    """Return the folder of one. Raise UsageError for what is no key."""
    if not _KEY.fullmatch(key):
        raise UsageError.saying("there is no such import; its files were deleted")
    return imports_folder(folders) / key


def new_key() -> str:
    """Return a key for a list that is to be uploaded: a form has it, so that sending it twice does it once."""
    return os.urandom(16).hex()


def read_import(folders: Folders, key: str) -> KeptImport:
    try:
        kept = _KEPT_IMPORT.validate_json((import_folder(folders, key) / _STATUS).read_bytes())
    except FileNotFoundError:
        raise UsageError.saying("there is no such import; its files were deleted") from None
    return _with_reasons(kept, unpacked)


def write_import(folders: Folders, kept: KeptImport) -> None:
    with storage_errors(folders.var):
        write_file(import_folder(folders, kept.key) / _STATUS, _json(kept))


def _json(kept: KeptImport) -> bytes:
    return _KEPT_IMPORT.dump_json(_with_reasons(kept, packed))


def _with_reasons(kept: KeptImport, changed: Callable[[str], str]) -> KeptImport:
    """Return an import whose sentences are changed: to be stored, or as they were before."""
    report = kept.report
    if report:
        reasons = [(changed(reason), rows) for reason, rows in report["reasons"]]
        report = report | {"reasons": reasons, "bad": [*map(changed, report["bad"])]}
    return replace(kept, problem=changed(kept.problem), report=report)


def read_imports(folders: Folders) -> list[KeptImport]:
    names = [one.name for one in imports_folder(folders).glob("*") if _KEY.fullmatch(one.name)]
    found = []
    for name in names:
        try:
            found.append(read_import(folders, name))
        except (UsageError, ValueError, KeyError, TypeError):
            continue  # deleted meanwhile, or of another version: `delete_expired_imports` deletes it
    return sorted(found, key=lambda one: (one.uploaded_at, one.key), reverse=True)


def store_list(folders: Folders, kept: KeptImport, file: IO[bytes]) -> int:
    """Copy an uploaded list, and what is known of it; one under this key stays. Return its size in bytes. Raise StorageError."""
    folder = imports_folder(folders)
    with storage_errors(folders.var):
        make_folder(folder)
        folder.chmod(0o700)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as name:
            unfinished = Path(name) / "list"
            unfinished.mkdir(0o700)
            with open(unfinished / LIST, "wb", opener=open_private) as out:
                shutil.copyfileobj(file, out)
                size: int = out.tell()
                out.flush()
                os.fsync(out.fileno())
            write_file(unfinished / _STATUS, _json(kept))
            if not import_folder(folders, kept.key).exists():
                unfinished.rename(import_folder(folders, kept.key))
                sync_folder(folder)
    return size


def delete_list(folders: Folders, key: str) -> None:
    """Delete an uploaded list, and keep what is known of its import."""
    (import_folder(folders, key) / LIST).unlink(missing_ok=True)


def delete_import(folders: Folders, key: str) -> None:
    shutil.rmtree(import_folder(folders, key), ignore_errors=True)


def delete_expired_imports(settings: Settings, now: datetime) -> int:
    """Delete lists that nobody imported within 2 days, and what was left of imports after 7. Return how many."""
    folders = settings.folders
    found = read_imports(folders)
    expired = [one.key for one in found if one.expires_at() <= now]
    for key in expired:
        delete_import(folders, key)
    _delete_rests(folders, {one.key for one in found}, now - _KEPT)
    return len(expired)


def _delete_rests(folders: Folders, known: Collection[str], before: datetime) -> None:
    """Delete what was left of uploads and deletions that were cut off: they may hold a list."""
    for rest in imports_folder(folders).glob("*"):
        # Another process may delete it as well.
        with suppress(FileNotFoundError):
            is_rest = rest.name not in known and rest.is_dir()
            if is_rest and rest.stat().st_mtime < before.timestamp():
                shutil.rmtree(rest, ignore_errors=True)


@contextmanager
def writing_rejects(
    path: Path | None, file: Iterable[bytes], written: Callable[[str], str] = str
) -> Iterator[Callable[[Reject], object]]:
    """Yield a function that writes a row that is left out, with its line and the reason, to a CSV file that is safe in spreadsheets.

    Without a path, nothing is written. `written` is how the file has a reason: in English, or
    packed for `translated_rejects`.
    """
    if path is None:
        yield lambda _row: None
        return
    try:
        header = read_columns(file).header
    except BadFileError as error:
        raise UsageError(reason_sentence(str(error))) from error
    if not isinstance(file, io.IOBase):
        raise TypeError("a list whose rejects are written is an open file")
    file.seek(0)
    own = len(_REASON_COLUMNS) if header[:2] == _REASON_COLUMNS else 0
    try:
        path.touch(0o600)
        out = path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="")
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror or error}") from None
    with out, storage_errors(path.parent):
        write_cells([(*_REASON_COLUMNS, *header[own:])], out)
        yield lambda row: write_cells(
            [(str(row.line), written(row.reason), *row.cells[own:])], out
        )


def translated_rejects(path: Path, said: Callable[[str], str]) -> Iterator[bytes]:
    """Yield a file of rejects with packed reasons, piece by piece, with each reason as `said` says it."""
    yield codecs.BOM_UTF8
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = (cells for _line, cells in read_cells(file))
        yield _csv([next(rows)])
        while some := list(islice(rows, _PIECE_ROWS)):
            yield _csv([[line, said(unpacked(why)), *cells] for line, why, *cells in some])


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    write_cells(rows, out)
    return out.getvalue().encode("utf-8", "backslashreplace")
