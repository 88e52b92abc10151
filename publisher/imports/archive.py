"""The files of an export: of a zip file, or of a folder into which one was unpacked. Nothing is unpacked here.

A member is read by its exact name, as far as it is bounded. No name of a member becomes the name of a file.
"""

import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from publisher.imports.model import MAX_EXPORT_BYTES, ImportProblemError

# Bytes of one member, and members: an export of ten years has some thousands.
_MAX_MEMBER, _MAX_MEMBERS = 50_000_000, 50_000
# Bytes of the list of members, which is read whole; and of the record at the end of a file that says where it is
# (APPNOTE.TXT, sections 4.3.12 and 4.3.16).
_MAX_DIRECTORY, _END_RECORD = 20_000_000, 22
_MAX_COMMENT = 65_535


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """Names of files with `/` between folders, and what reads one. `read` raises ImportProblemError."""

    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def below(self, folder: str, *endings: str) -> list[str]:
        """Return the names of files in a folder, wherever that is, with one of these endings."""
        return sorted(
            one
            for one in self.names
            if f"/{folder}/" in f"/{one}" and one.lower().endswith(endings)
        )

    def named(self, name: str) -> str:
        """Return the whole name of a file; empty if there is none, or are several."""
        found = [one for one in self.names if one.rpartition("/")[2] == name]
        return found[0] if len(found) == 1 else ""


def open_export_files(path: Path) -> ExportFiles:
    """List the files of a folder or a zip file. Raise ImportProblemError for one that is too large, and OSError."""
    return _of_folder(path) if path.is_dir() else _of_zip(path)


def _of_folder(path: Path) -> ExportFiles:
    names = []
    for folder, _folders, files in os.walk(path):  # follows no links
        for name in files:
            place = Path(folder, name)
            if stat.S_ISREG(place.lstat().st_mode):
                names.append(place.relative_to(path).as_posix())
        _check_number(len(names))
    known = frozenset(names)

    def read(name: str) -> bytes:
        if name not in known:
            raise ImportProblemError(f"has no file {name}")
        with (path / name).open("rb") as file:
            return _bounded(file.read(_MAX_MEMBER + 1), name)

    return ExportFiles(tuple(names), read)


def _of_zip(path: Path) -> ExportFiles:
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ImportProblemError(f"is a zip file that can't be read: {error}") from None
    members = {one.filename: one for one in archive.infolist() if _is_file(one)}
    _check_number(len(members))
    left = [MAX_EXPORT_BYTES]

    def read(name: str) -> bytes:
        try:
            with archive.open(members[name]) as file:
                content = _bounded(file.read(_MAX_MEMBER + 1), name)
        except (
            zipfile.BadZipFile,
            RuntimeError,
            NotImplementedError,
            EOFError,
            KeyError,
        ) as error:
            raise ImportProblemError(f"{name}: can't be read: {error}") from None
        left[0] -= len(content)
        if left[0] < 0:
            raise ImportProblemError(f"has more than {MAX_EXPORT_BYTES // 1_000_000} MB")
        return content

    return ExportFiles(tuple(members), read)


def _is_file(member: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(member.external_attr >> 16)
    return kind in {0, stat.S_IFREG} and not member.is_dir()


def _check_number(number: int) -> None:
    if number > _MAX_MEMBERS:
        raise ImportProblemError(f"has more than {_MAX_MEMBERS:,} files")


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > _MAX_MEMBER:
        raise ImportProblemError(f"{name}: is larger than {_MAX_MEMBER // 1_000_000} MB")
    return content


def _check_directory(path: Path) -> None:
    """Raise ImportProblemError before a list of members is read that would fill the memory."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _END_RECORD - _MAX_COMMENT))
        end = file.read()
    record = end[end.rfind(b"PK\x05\x06") :][:_END_RECORD]
    length = int.from_bytes(record[12:16], "little")
    # Another list, of 64 bits, may count instead of this one.
    if len(record) < _END_RECORD or length > _MAX_DIRECTORY or b"PK\x06\x07" in end:
        raise ImportProblemError(
            f"is no zip file, or one with more than {_MAX_MEMBERS:,} files"
        )
