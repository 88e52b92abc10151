"""The files of an export that is a zip file. Nothing is unpacked: a member is read by its exact name, as far as it is bounded.

No name of a member becomes the name of a file.
"""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from publisher.imports.model import MAX_EXPORT_BYTES, ImportProblemError

# Bytes of one member, and members: an export of ten years has some thousands.
_MAX_MEMBER, _MAX_MEMBERS = 50_000_000, 50_000
# What the entry of a member begins with, in the list at the end (APPNOTE.TXT, section 4.3.12).
_MEMBER = b"PK\x01\x02"
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(RuntimeError, ValueError, EOFError, OSError),
)


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


def open_export_files(path: Path, content: bytes) -> ExportFiles:
    """List the files of a zip file with this content. Raise ImportProblemError for one that is too large."""
    # Before the list is read, which would fill the memory.
    if content.count(_MEMBER) > _MAX_MEMBERS:
        raise ImportProblemError(f"has more than {_MAX_MEMBERS:,} files")
    try:
        archive = zipfile.ZipFile(path)
    except _UNREADABLE as error:
        raise ImportProblemError(f"is a zip file that can't be read: {error}") from None
    members = {one.filename: one for one in archive.infolist() if _is_file(one)}
    left = MAX_EXPORT_BYTES

    def read(name: str) -> bytes:
        nonlocal left
        try:
            with archive.open(members[name]) as file:
                content = file.read(_MAX_MEMBER + 1)
        except _UNREADABLE as error:
            raise ImportProblemError(f"{name}: can't be read: {error}") from None
        left -= len(content)
        if len(content) > _MAX_MEMBER or left < 0:
            most = _MAX_MEMBER if left >= 0 else MAX_EXPORT_BYTES
            raise ImportProblemError(f"{name}: is too large; {most // 1_000_000} MB are read")
        return content

    return ExportFiles(tuple(members), read)


def _is_file(member: zipfile.ZipInfo) -> bool:
    """Return whether a member is a file of the export: no folder, no link, and none that macOS adds to each."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    is_of_system = member.filename.startswith("__MACOSX/")
    return kind in {0, stat.S_IFREG} and not member.is_dir() and not is_of_system
