"""Whether the machines that run see the same folder: each has its name in it while it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.database import Database
from publisher.files import write_file
from publisher.leader.store import running_processes

_FOLDER = ".hosts"


@contextmanager
def named_in(folder: Path, host: str) -> Iterator[None]:
    """Have a process's name in a folder while the block runs. Names of killed ones of this host go."""
    for left in (folder / _FOLDER).glob("*.*"):
        pid, _, name = left.name.partition(".")
        if name == host and not _is_running(pid):
            left.unlink(missing_ok=True)
    file = folder / _FOLDER / f"{os.getpid()}.{host}"
    write_file(file, b"")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError, ValueError):
        return False
    return True


def hosts_apart(database: Database, folder: Path) -> list[str]:
    """Return the hosts that run the publication now, and whose names are not in the folder.

    A process has its name there before the database knows of it.
    """
    with database.reading() as connection:
        running = running_processes(connection, database.timer.time())
    named = {file.name.partition(".")[2] for file in (folder / _FOLDER).glob("*.*")}
    return sorted({one.host for one in running} - named)
