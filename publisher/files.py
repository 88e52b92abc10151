"""Writes files that others read: whole or not at all, and only when they change."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Bytes that are copied at once.
_PIECE = 1 << 20


_Guard = Callable[[], None]
_guard: ContextVar[_Guard | None] = ContextVar("guard", default=None)


@contextmanager
def guarded_changes(guard: _Guard) -> Iterator[None]:
    """Call a guard right before each change of a file by this context; it raises to prevent it."""
    token = _guard.set(guard)
    try:
        yield
    finally:
        _guard.reset(token)


def check_guard() -> None:
    """Raise what the guard raises, if there is one."""
    if guard := _guard.get():
        guard()


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write content unless the file has it already; return whether it changed.

    An unchanged file keeps its time, so that web servers go on answering 304.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    write_file(path, content)
    return True


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole: temporary file, fsync, rename, fsync of the folder."""
    make_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.part")
    # A process that was stopped while it wrote one goes on with its own file, and not with ours.
    check_guard()
    unfinished.unlink(missing_ok=True)
    write_durably(unfinished, content)
    check_guard()
    unfinished.replace(path)
    sync_folder(path.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that its content, not its name, survives a power cut.

    Others may see half of it meanwhile, and half of it stays if this fails.
    """
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # The error of a failed write names no file; the report must say which disk is full.
        error.filename = error.filename or str(path)
        raise


def make_folder(folder: Path) -> None:
    """Create a folder and its missing parents, so that they survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner enters, whatever the umask; a folder that is there stays."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(0o700, exist_ok=True)
    sync_folder(folder.parent)


def withdraw_rights(path: Path) -> None:
    """Take the rights of everybody else from a file or folder of ours that everybody may read.

    A file keeps those that its folder's group has. What others may not read stays as it is: its group
    was given its rights on purpose. So does what belongs to another user.
    """
    with suppress(FileNotFoundError):
        status = path.stat()
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o007 and status.st_uid == os.geteuid():
            group = 0 if path.is_dir() else path.parent.stat().st_mode & 0o060
            path.chmod(mode & ~0o077 | group)


def open_private(path: str, flags: int) -> int:
    """Open a file that only its owner reads, as an `opener` of `open`; an older one loses its rights."""
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_file(source: Path, target: Path) -> None:
    """Move a file, also to another disk: the target is there whole, or not at all."""
    check_guard()
    make_folder(target.parent)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        unfinished = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, unfinished)
        with unfinished.open("rb") as copy:
            os.fsync(copy.fileno())
        check_guard()
        unfinished.replace(target)
        source.unlink()
    sync_folder(target.parent)


def remove_file(path: Path, below: Path) -> None:
    """Remove a file that may be there, and the folders that it leaves empty, up to `below`."""
    check_guard()
    path.unlink(missing_ok=True)
    for folder in takewhile(lambda one: below in one.parents, path.parents):
        try:
            folder.rmdir()
        except OSError:  # not empty, or gone already: either is as it should be
            return


def copy_verified(source: Path, target: Path, sha256: str) -> bool:
    """Copy a file completely or not at all; return False if its content has another hash."""
    make_folder(target.parent)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        same = _copy_pieces(source, unfinished) == sha256
        if same:
            check_guard()
            unfinished.replace(target)
            sync_folder(target.parent)
    finally:
        # Do not leave a useless file on a full disk.
        unfinished.unlink(missing_ok=True)
    return same


def _copy_pieces(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as original, target.open("wb") as copy:
        while piece := original.read(_PIECE):
            digest.update(piece)
            copy.write(piece)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
