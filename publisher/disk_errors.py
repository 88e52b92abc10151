"""Messages for files that can't be read or written: a full disk, a missing permission."""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
# Bytes. With less, the next transaction or page may not fit.
_ALMOST_NOTHING = 1 << 20
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
    found = defaultdict[str, list[str]](list)
    for one in problems:
        found[one.partition(_REFUSED)[2] or one].append(one)
    numbers = ((some[0], len(some)) for some in found.values())
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
