"""A lock that lets one process at a time run a folder of a publication; the kernel frees it. Even without it no mail is sent twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from publisher.errors import BusyError, DatabaseError
from publisher.files import make_private_folder, storage_errors, try_lock

if TYPE_CHECKING:
    from publisher.config import Folders


@contextmanager
def hold_publication_lock(folders: Folders) -> Iterator[bool]:
    """Hold the publication's lock; raise BusyError with the process that holds it, if any.

    Yield whether the last one that held it was killed, or ended with an error. Raise DatabaseError if the lock
    file can't be opened.
    """
    descriptor = _open(folders)
    try:
        if not try_lock(descriptor):
            raise BusyError(str(folders.root), _holder(descriptor) or "unknown")
        was_killed = bool(os.fstat(descriptor).st_size)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield was_killed
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def publication_was_killed(folders: Folders) -> bool:
    """Return whether nobody holds the publication's lock, and the last one that did was killed."""
    descriptor = _open(folders)
    try:
        return try_lock(descriptor, fcntl.LOCK_SH) and bool(os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def process_died(folders: Folders, pid: int) -> bool:
    """Return whether a process of this machine that ran the publication is surely gone.

    A container sees no process of another one, but whether its lock is held.
    """
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    except ProcessLookupError:
        with suppress(PermissionError):  # without a look at the lock, it is not sure
            return _holder_elsewhere(folders) != str(pid)
    return False


def _holder_elsewhere(folders: Folders) -> str:
    """Return which process holds the publication's lock, as it names itself; empty if none does."""
    try:
        with (folders.var / "lock").open("rb") as lock:
            is_held = not try_lock(lock.fileno(), fcntl.LOCK_SH)
            return _holder(lock.fileno()) if is_held else ""
    except FileNotFoundError:
        return ""


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()


def _open(folders: Folders) -> int:
    try:
        with storage_errors(folders.var):
            make_private_folder(folders.var)
            return os.open(folders.var / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DatabaseError(f"{folders.var}: can't be locked: {error.strerror}") from error
