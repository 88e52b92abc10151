"""Running the program as people do: as a process. Shared by tests of the command line."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.databases import environment_of

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "publisher")
# Equal secrets give equal mails, so that two runs can be compared byte for byte.
ENVIRONMENT = os.environ | {"PUBLISHER_SECRET": "a secret of these tests", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def publisher(
    *arguments: object, cwd: Path = ROOT, environment: dict[str, str] | None = None
) -> Outcome:
    """Run a command to its end."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=ENVIRONMENT | (environment_of(*arguments) if environment is None else environment),
        capture_output=True,
        text=True,
        # A demo on a machine that is far too busy.
        timeout=500,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command and go on."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=ENVIRONMENT | environment_of(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder, by its relative path, but for who wrote them.

    A process that was killed while it wrote its name leaves `.hosts/….part`.
    """
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name != ".epoch"
        and not (path.parent.name == ".hosts" and path.suffix == ".part")
    }
