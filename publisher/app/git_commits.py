"""Commit what was published into a folder that is a git work tree: these files alone, by name."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from publisher.errors import CommandError
from publisher.processes.commands import run_program

_LONGEST = 60  # seconds of one command, with the hooks that the user has set
_ONE_AT_A_TIME = Lock()  # git refuses a second process that changes the index


def commit_files(folder: Path, paths: Sequence[str], title: str, author: Sequence[str]) -> None:
    """Commit files below a folder, and nothing else that is staged, as an author: name and address, or nothing for the one that git knows. Raise CommandError."""
    roles = ("AUTHOR", "COMMITTER")
    parts = zip(("NAME", "EMAIL"), author, strict=False)
    more = {f"GIT_{role}_{part}": text for part, text in parts for role in roles}
    # Names of files are no patterns, and nobody is there to type a password.
    more |= {"GIT_LITERAL_PATHSPECS": "1", "GIT_TERMINAL_PROMPT": "0"}

    def git(*words: str, of: Sequence[str] = paths) -> bytes:
        command = ("git", *words, "--", *of)
        return run_program(command, folder, seconds=_LONGEST, more=more, with_errors=True)

    with _ONE_AT_A_TIME:
        unknown = git("ls-files", "--others", "-z").decode(errors="replace").split("\0")
        try:
            git("add", "--intent-to-add")
            if git("status", "--porcelain"):
                git("commit", "--only", "--quiet", f"--message={' '.join(title.split())}")
        except CommandError:
            # Entries without content would keep others from `git stash`.
            with suppress(CommandError):
                git("update-index", "--force-remove", of=[*{*paths} & {*unknown}])
            raise
