"""Find out of which system a file is an export, and read it.

Of a zip file, nothing is unpacked: a member is read by its exact name, as far as it is bounded. No name of a member
becomes the name of a file.
"""

import lzma
import stat
import zipfile
import zlib
from pathlib import Path

from publisher.imports import newsletters
from publisher.imports.ghost import is_ghost, read_ghost
from publisher.imports.model import (
    MAX_EXPORT_BYTES,
    Export,
    ExportFiles,
    ExportWishes,
    ImportProblemError,
)
from publisher.imports.wxr import read_wxr

# Bytes of one member, and members: an export of ten years has some thousands.
_MAX_MEMBER, _MAX_MEMBERS = 50_000_000, 50_000
# What the entry of a member begins with, in the list at the end (APPNOTE.TXT, section 4.3.12).
_MEMBER = b"PK\x01\x02"
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(RuntimeError, ValueError, EOFError, OSError),
)
_KNOWN = "WordPress (XML or zip), Ghost (JSON or zip), Substack, Medium, Buttondown and Mailchimp (zip)"


def read_export(path: Path, options: ExportWishes) -> Export:
    """Read an export. Raise ImportProblemError if it is none that is known, or too large, and OSError."""
    if path.is_dir():
        raise ImportProblemError("is a folder; compress it, and give the zip file")
    with path.open("rb") as file:
        content = file.read(MAX_EXPORT_BYTES + 1)
    if len(content) > MAX_EXPORT_BYTES:
        most = MAX_EXPORT_BYTES // 1_000_000
        raise ImportProblemError(f"is larger than {most} MB; export a part of it")
    start = content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _read_files(_open_files(path, content), options)
    if b"<opml" in start:
        raise ImportProblemError("is a list of feeds; `publisher sources add FILE` takes it")
    if start.startswith(b"{"):
        return read_ghost(content, options)
    if start.startswith(b"<") or start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return read_wxr(content, options)
    raise _unknown()


def _read_files(files: ExportFiles, options: ExportWishes) -> Export:
    if files.named("posts.csv"):
        return newsletters.read_substack(files, options)
    if files.named("emails.json") or files.named("emails.csv"):
        return newsletters.read_buttondown(files, options)
    # WordPress.com exports a zip file with one.
    if len(exports := [one for one in files.names if one.lower().endswith(".xml")]) == 1:
        return read_wxr(files.read(exports[0]), options)
    documents = (one for one in files.names if one.lower().endswith(".json"))
    for name in documents:
        if is_ghost(content := files.read(name)):
            return read_ghost(content, options, files)
    if files.below("posts", ".html"):
        return newsletters.read_medium(files, options)
    if files.below("campaigns_content", ".html") or files.below("campaigns", ".html"):
        return newsletters.read_mailchimp(files, options)
    raise _unknown()


def _unknown() -> ImportProblemError:
    return ImportProblemError(f"is no export that is read; there are: {_KNOWN}")


def _open_files(path: Path, content: bytes) -> ExportFiles:
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
