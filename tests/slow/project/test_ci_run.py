"""What `.ci/run` does when apt can't install a package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ENVIRONMENT, ROOT

# It would install packages, and run the lanes.
PROGRAMS = {
    "id": "echo 0",
    "apt-get": 'for last; do :; done; test "$last" != "$BROKEN"',
    "make": 'echo "$@" >> made; test "$*" != "$FAILING"',
}
LANES = ["test", "slow", "postgres", "audit"]

WITHOUT_PROGRAMS = """
import sys
import pytest
from tools.servers import postgres_server
postgres_server.find_server_programs = lambda: None
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def run(folder: Path, broken: str = "", failing: str = "") -> tuple[int, list[str], str]:
    """Run it with programs of our own; return its code, the lanes, and what it complains of."""
    for name, script in PROGRAMS.items():
        program = folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n", "ascii")
        program.chmod(0o755)
    (folder / ".ci").mkdir()
    copy = shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    environment = {
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "BROKEN": broken,
        "FAILING": failing,
    }
    done = subprocess.run([copy], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, (folder / "made").read_text("ascii").splitlines(), done.stderr


def test_all_lanes_run(tmp_path: Path) -> None:
    assert run(tmp_path) == (0, LANES, "")


def test_a_package_that_can_t_be_installed_costs_no_lane(tmp_path: Path) -> None:
    code, lanes, said = run(tmp_path, broken="postfix")
    assert (code, lanes) == (0, LANES)
    assert said == "postfix can't be installed: the tests that need it skip\n"


def test_only_apt_excuses_the_lane_of_the_second_database(tmp_path: Path) -> None:
    code, lanes, said = run(tmp_path, broken="postgresql")
    assert (code, lanes) == (0, [lane for lane in LANES if lane != "postgres"])
    assert "WARNING: apt can't install postgresql: nothing was tested on it" in said


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_that_fails_is_the_end(lane: str, tmp_path: Path) -> None:
    code, lanes, _said = run(tmp_path, failing=lane)
    assert code != 0
    assert lanes[-1] == lane


def test_the_lane_of_the_second_database_fails_without_a_server() -> None:
    # As on a machine without the programs: they are looked for on the path and in Debian's folders.
    words = ("-c", WITHOUT_PROGRAMS, "--database=postgresql", "tests/project/test_names.py")
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "PostgreSQL is not installed" in done.stdout + done.stderr
    assert "passed" not in done.stdout
