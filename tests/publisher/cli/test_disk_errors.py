"""Failed writes: what is full or forbidden, what it means, what to do."""

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

from publisher import files
from publisher.database import Database, open_database
from publisher.errors import DatabaseError, StorageError
from publisher.fault_isolation import explain_fault
from publisher.jobs.heartbeat import read_heartbeat
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_space(*_arguments: object) -> NoReturn:
    raise FULL


def test_a_failed_write_names_file_cause_and_remedy(tmp_path: Path) -> None:
    beat = tmp_path / "heartbeat"
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "var" / "heartbeat"))
    message = files.explain_failed_write(full, Path("elsewhere"))
    assert message.startswith(f"the disk that holds {tmp_path} is full (")
    assert message.endswith(
        "bytes left). Nothing was lost; free some space, and the next run continues"
    )
    refused = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(StorageError) as caught, files.storage_errors(tmp_path):
        raise refused
    assert str(caught.value) == (
        f"{tmp_path}: can't be written: Permission denied. Nothing was lost; let this user "
        "write there, and the next run continues"
    )
    readable = OSError(errno.EROFS, os.strerror(errno.EROFS), str(beat))
    assert files.explain_failed_write(readable, tmp_path) == (
        f"{beat}: can't be written: Read-only file system. Nothing was lost; "
        "mount its disk for writing, and the next run continues"
    )
    # A folder of pages is one problem, however many there are.
    pages = [explain_fault(OSError(errno.EROFS, "Read-only", f"{tmp_path}/{n}")) for n in "abc"]
    (merged, other) = files.merge_refused([*pages, "en/a: no title", "en/a: no title"])
    assert (merged, other) == (f"{pages[0]} (3 files or folders)", "en/a: no title")
    assert "mount its disk for writing" in merged
    # Other errors of the system stay faults of the program.
    with pytest.raises(FileNotFoundError), files.storage_errors(tmp_path):
        (tmp_path / "none").read_bytes()


@pytest.fixture
def nobody(publication: PublicationFolder) -> Iterator[Path]:
    """A folder of nobody's with a database, while this process has no other rights than nobody."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    with TemporaryDirectory() as name:
        folder = Path(name)
        # Made by root, who may read the program's files.
        copy = folder / "publisher.db"
        copyfile(publication.settings.folders.database, copy)
        for each in (folder, copy):
            os.chown(each, 65534, 65534)
        os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.mark.sqlite("the rights to its file")
def test_a_database_that_this_user_may_not_use_says_which_right_is_missing(
    nobody: Path,
) -> None:
    path = nobody / "publisher.db"
    cases = [
        (path, 0o200, f"this user may not read {path}; let it"),
        (path, 0o400, f"this user may not write to {path}; let it"),
        (nobody, 0o600, f"this user may not enter the folder {nobody}; let it"),
    ]
    for place, mode, expected in cases:
        before = place.stat().st_mode
        place.chmod(mode)
        with pytest.raises(DatabaseError) as caught, closing(open_database(path)) as database:
            write_much(database)
        place.chmod(before)
        assert str(caught.value).startswith(f"{path}: ")
        assert str(caught.value).endswith(f": {expected}")
    nobody.chmod(0o500)
    assert files.explain_missing_right(nobody / "new.db") == (
        f"this user may not create files in {nobody}; let it"
    )
    nobody.chmod(0o700)
    file = nobody / "secret"
    file.write_text("x")
    file.chmod(0)
    with (
        pytest.raises(StorageError, match=r"secret: can't be read: .*; let this user read it"),
        files.storage_errors(nobody),
    ):
        file.read_bytes()


def test_a_heartbeat_that_cannot_be_written_is_a_problem_of_a_cycle_that_is_done(
    run: Run, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    root = publication.settings.folders.root
    with monkeypatch.context() as patch:
        patch.setattr("publisher.jobs.heartbeat.write_file", no_space)
        code, out, _err = run("run", "--once", root)
    assert code == 1
    assert f"Problem: the disk that holds {root / 'var'} is full (" in " ".join(out.split())
    assert "1 new" in out
    assert run("run", "--once", root)[0] == 0
    assert read_heartbeat(publication.settings.folders.heartbeat)


def test_a_disk_that_fills_up_within_a_command_is_no_fault_of_the_program(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.app.operation.cycle.plan_issues", no_space)
    code, _out, err = run("run", "--once", folder)
    assert code == 1
    assert err.startswith(f"publisher: the disk that holds {folder} is full")


@pytest.mark.sqlite("its pages")
def test_a_database_without_space_says_the_same(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(DatabaseError) as caught:
        write_much(publication.database)
    assert " is full (" in str(caught.value)


def write_much(database: Database) -> None:
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE filler AS SELECT zeroblob(100000) AS a")
