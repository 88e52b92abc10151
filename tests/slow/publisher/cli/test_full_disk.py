"""A publication on a disk that is full: a plain message, and nothing is lost."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.publisher.cli.conftest import Run, lantern, run
from tests.publisher.lanterns import lay_out
from tests.sizes import by_lane

__all__ = ["lantern", "run"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a file system of its own, of sixteen megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(disk)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, spare: int = 0) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    os.truncate(filler, filler.stat().st_size - spare)
    return filler


@pytest.mark.parametrize("spare", by_lane([0, 400_000], [0, 4096, 100_000, 400_000, 1_000_000]))
@pytest.mark.parametrize("is_new", [True, False])
def test_a_cycle_on_a_full_disk_says_so_and_the_next_one_continues(
    run: Run, small_disk: Path, spare: int, is_new: bool
) -> None:
    folder = lay_out(small_disk / "lantern", "en")
    command = ("run", "--once", "--now", "2026-01-09T12:00:00Z", folder)
    if not is_new:
        # The first cycle is of a week before: nothing is due yet.
        assert run(*command[:3], "2026-01-01T12:00:00Z", folder)[0] == 0
        run("subscribers", "import", folder / "subscribers.csv", folder)
    filler = fill(small_disk, spare)
    code, out, err = run(*command)
    assert code == 1
    assert " is full (" in out + err
    assert "fault of the program" not in out + err
    filler.unlink()
    assert run(*command)[0] == 0
    assert run(*command)[0] == 0


# With room for the file, but not for the log that marking it needs.
@pytest.mark.parametrize("share", by_lane([0.5], [0.0, 0.5, 1.0]))
def test_a_backup_onto_a_full_disk_names_its_folder_and_leaves_no_half_of_one(
    run: Run, lantern: Path, small_disk: Path, share: float
) -> None:
    assert run("run", "--once", lantern)[0] == 0
    size = (lantern / "var" / "publisher.db").stat().st_size
    filler = fill(small_disk, int(size * share))
    code, out, err = run("backup", small_disk / "backups", lantern)
    assert (code, out) == (1, "")
    assert err.startswith(f"publisher: the disk that holds {small_disk}")
    assert " is full (" in err
    assert ".part" not in err
    filler.unlink()
    assert not [*small_disk.glob("backups/*"), *small_disk.glob("backups/.*")]
    assert run("backup", small_disk / "backups", lantern)[0] == 0
