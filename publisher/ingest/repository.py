"""When each file of a folder first came into its Git repository, for documents without a date.

Git is asked once for the whole folder, and only if a document needs it. Where there is no
repository or no Git, or it takes too long, nothing is known.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

import structlog

log = structlog.get_logger()

# Seconds. A hundred thousand commits take about ten.
_TIMEOUT = 60
# Characters of what Git prints: names of files, for some millions of changes.
_MAX_LENGTH = 200_000_000
# Between commits in what Git prints; no name of a file has it.
_COMMIT = "\x01"
# The oldest folder above the source's in which a repository is looked for.
_MAX_LEVELS = 20


class RepositoryHistory:
    """The history of the files below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def first_commit(self, path: PurePosixPath) -> datetime | None:
        """Return when a file was first committed under any name, None if nobody knows."""
        return self._dates.get(str(path))

    @cached_property
    def _dates(self) -> dict[str, datetime]:
        if not _has_repository(self._folder):
            return {}
        git = shutil.which("git")
        if git is None:
            log.warning("no git, so undated files get the day on which they are first seen")
            return {}
        return first_commits(_read_log(git, self._folder).split("\0"))


def _has_repository(folder: Path) -> bool:
    above = [folder, *Path(os.path.realpath(folder)).parents][:_MAX_LEVELS]
    return any((place / ".git").exists() for place in above)


def _read_log(git: str, folder: Path) -> str:
    """Return commits, newest first: their time, and the files that were added or renamed."""
    command = [git, "-C", str(folder), "-c", "core.fsmonitor=false", "log", "-z", "--relative"]
    command += ["--no-show-signature", "--no-ext-diff", "--no-textconv", "-M", "--name-status"]
    command += ["--diff-filter=AR", f"--format={_COMMIT}%cI", "--", "."]
    # Nothing is fetched for an incomplete copy of a repository, and nobody is asked for anything.
    environment = os.environ | {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603  # a fixed command; the folder is the editor's own
            command, capture_output=True, timeout=_TIMEOUT, env=environment, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.warning("no history of files", folder=str(folder), reason=type(error).__name__)
        return ""
    text = done.stdout.decode("utf-8", "backslashreplace")
    # Only whole fields: of the oldest commits, some may be lost.
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH].rpartition("\0")[0]


def first_commits(fields: Iterable[str]) -> dict[str, datetime]:
    """Return when each file of today first came, from what `git log -z --name-status` prints. Pure.

    A file that was renamed came when it had its first name.
    """
    dates: dict[str, datetime] = {}
    # What a name of the past is called today.
    today: dict[str, str] = {}
    when: datetime | None = None
    rest = iter(fields)
    for one in rest:
        word = one.strip("\n")
        if word.startswith(_COMMIT):
            when = _instant(word[1:])
        elif word.startswith("R"):
            before, after = _next(rest), _next(rest)
            today[before] = today.get(after, after)
        elif word == "A" and when is not None:
            name = _next(rest)
            # Commits come newest first, so the oldest one stays.
            dates[today.get(name, name)] = when
    return dates


def _instant(text: str) -> datetime | None:
    """Return the time of a commit; None if it is none: Git stores any zone and any year."""
    try:
        when = datetime.fromisoformat(text)
        # Near the first and the last year, a time has no counterpart in UTC.
        when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return when


def _next(fields: Iterator[str]) -> str:
    return next(fields, "")
