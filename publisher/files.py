"""Write files that others read: whole or not at all, and only when they change.

What can't be read or written is explained to people: a full disk, a missing permission. Such a message says what
happened, what it means and what to do; `storage_errors` turns a failed write into it.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import takewhile
from pathlib import Path

from publisher.errors import DatabaseError, StorageError

_PIECE = 1 << 20  # bytes that are copied at once


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


def write_over(path: Path, content: bytes, known: bytes | None) -> bool:
    """Write a file whole if it still has the content that is `known`, with the rights that it has, or if None is there; return whether."""
    make_folder(path.parent)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        write_durably(unfinished, content)
        if known is None:
            os.link(unfinished, path)
        elif path.read_bytes() == known:
            shutil.copymode(path, unfinished)
            unfinished.replace(path)
        else:
            return False
    except (FileExistsError, FileNotFoundError):
        return False
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def write_durably(path: Path, content: bytes, modified: int | None = None) -> int:
    """Write a file so that its content, not its name, survives a power cut.

    Others may see half of it meanwhile, and half of it stays if this fails. `modified` is its time of
    change, else now; return it. In nanoseconds.
    """
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            if modified is not None:
                os.utime(file.fileno(), ns=(modified, modified))
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_mtime_ns
    except OSError as error:
        # The error of a failed write names no file; the report must say which disk is full.
        error.filename = error.filename or str(path)
        raise


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Create a folder and its missing parents, so that they survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode, exist_ok=True)
    sync_folder(folder.parent)


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner enters, whatever the umask; a folder that is there stays."""
    make_folder(folder, 0o700)


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


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_ALMOST_NOTHING = 1 << 20  # Bytes. With less, the next transaction or page may not fit.
_REFUSED = ": can't be "
# Other failed writes that say something of the machine, and nothing of the program.
_OTHER = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EFBIG, errno.EIO})


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn a failed write into a StorageError; `folder` is named if the error names no file."""
    try:
        yield
    except OSError as error:
        if not is_storage_failure(error):
            raise
        raise StorageError(explain_failed_write(error, folder)) from error


def is_storage_failure(error: OSError) -> bool:
    """Return whether the disk or its permissions are the cause, not a fault of the program."""
    return error.errno in _FULL | _OTHER


def is_disk_full(error: OSError) -> bool:
    """Return whether no space is left, on the disk or in the user's quota."""
    return error.errno in _FULL


def explain_failed_write(error: OSError, folder: Path) -> str:
    """Return what happened, what it means and what to do; `folder` as for `storage_errors`."""
    named = error.filename2 or error.filename
    place = Path(named) if isinstance(named, str | Path) else folder
    if is_disk_full(error):
        return explain_full_disk(place)
    why = error.strerror or str(error)
    if error.errno == errno.EROFS:
        what, remedy = "written", "mount its disk for writing"
    elif place.exists() and not os.access(place, os.R_OK, effective_ids=True):
        what, remedy = "read", "let this user read it"
    else:
        what, remedy = "written", "let this user write there"
    return f"{place}{_REFUSED}{what}: {why}. Nothing was lost; {remedy}, and the next run continues"


def merge_refused(problems: Iterable[str]) -> list[str]:
    """Return problems with those about files that are refused for the same reason as one, with their number."""
    found = defaultdict[str, dict[str, None]](dict)
    for one in problems:
        found[one.partition(_REFUSED)[2] or one][one] = None
    numbers = ((next(iter(some)), len(some)) for some in found.values())
    return [f"{one} ({n} files or folders)" if n > 1 else one for one, n in numbers]


def explain_missing_right(file: Path) -> str:
    """Return why this user can't read and write a file, and what to do; empty if that is not so.

    `file` may be missing: then it must be possible to create it.
    """
    folder = next((one for one in file.parents if _may(one, os.F_OK)), Path())
    closed = next(
        (one for one in reversed(file.parents) if one.exists() and not _may(one, os.X_OK)), None
    )
    if closed:
        return f"this user may not enter the folder {closed}; let it"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"the disk that holds {folder} is mounted for reading only; mount it for writing"
    if file.is_dir():
        return "it is a folder; move it away, or set another path"
    wrong = [
        (not _may(file, os.R_OK), f"read {file}"),
        (not _may(file, os.W_OK), f"write to {file}"),
    ]
    if not file.exists():
        wrong = []
    wrong.append((not _may(folder, os.W_OK), f"create files in {folder}"))
    missing = next((what for is_missing, what in wrong if is_missing), None)
    return f"this user may not {missing}; let it" if missing else ""


def _may(path: Path, right: int) -> bool:
    return os.access(path, right, effective_ids=True)


def explain_full_disk(place: Path) -> str:
    """Return the same for a disk that is full, with the number of bytes that are free."""
    folders = (one for one in (place, *place.parents) if one.is_dir())
    # A folder that is being made is removed when this is read.
    folder = next((one for one in folders if one.suffix != ".part"), Path())
    free = shutil.disk_usage(folder).free
    return (
        f"the disk that holds {folder} is full ({free:,} bytes left). Nothing was lost; "
        "free some space, and the next run continues"
    )


def find_full_disk(*folders: Path) -> str | None:
    """Return what is to be said of the first folder on a disk that has less than 1 MiB left, if one is."""
    there = (one for one in folders if one.is_dir())
    full = (one for one in there if shutil.disk_usage(one).free < _ALMOST_NOTHING)
    return next(map(explain_full_disk, full), None)


def explain_error(error: Exception, folder: Path) -> str:
    """Return `str(error)`, or the plain message if it is a failed write."""
    if isinstance(error, OSError) and is_storage_failure(error):
        return explain_failed_write(error, folder)
    return str(error)


# A random number that the kernel makes when it starts.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file without waiting; return whether that was possible. Closing it frees the lock."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_scope(folder: Path, host: str) -> str:
    """Return where locks in a folder count: the host's name, this start of its kernel, the folder.

    Copies of a virtual machine share the second, and containers too; these have folders of their own.
    Raise DatabaseError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place = folder.stat()
    except OSError as error:
        raise DatabaseError(f"{folder}: can't be locked: {error.strerror}") from error
    try:
        started = _BOOT_ID.read_text("ascii").strip()
    except OSError:  # not Linux
        started = f"{uuid.getnode():x}"
    return f"{host}/{started}/{place.st_dev}/{place.st_ino}"
