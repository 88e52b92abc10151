"""Failed writes: what is full or forbidden, what it means, what to do."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from publisher.database import Database
from publisher.disk_errors import explain_failed_write, storage_errors
from publisher.errors import DatabaseError, StorageError
from publisher.heartbeat import read_heartbeat
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_space(*_arguments: object) -> NoReturn:
    raise FULL


def test_a_full_disk_is_named_with_what_is_free_and_what_to_do(tmp_path: Path) -> None:
    error = OSError(
        errno.ENOSPC, "No space left on device", str(tmp_path / "var" / "heartbeat")
    )
    message = explain_failed_write(error, Path("elsewhere"))
    assert message.startswith(f"the disk that holds {tmp_path} is full (")
    assert message.endswith(
        "bytes left). Nothing was lost; free some space, and the next run continues"
    )


def test_a_missing_permission_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    error = PermissionError(errno.EACCES, "Permission denied")
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path):
        raise error
    assert str(caught.value) == (
        f"{tmp_path}: can't be written: Permission denied. Nothing was lost; let this user "
        "write there, and the next run continues"
    )


def test_other_errors_of_the_system_stay_faults_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "none").read_bytes()


def test_a_heartbeat_that_cannot_be_written_is_a_problem_of_a_cycle_that_is_done(
    run: Run, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    root = publication.settings.folders.root
    with monkeypatch.context() as patch:
        patch.setattr("publisher.heartbeat.write_file", no_space)
        code, out, _err = run("run", "--once", root)
    assert code == 1
    assert f"Problem: the disk that holds {root / 'var'} is full (" in " ".join(out.split())
    assert "1 new" in out
    assert run("run", "--once", root)[0] == 0
    assert read_heartbeat(publication.settings.folders.heartbeat)


def test_a_disk_that_fills_up_within_a_command_is_no_fault_of_the_program(
    run: Run, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.app.pipeline.plan_issues", no_space)
    code, _out, err = run("run", "--once", publication.settings.folders.root)
    assert code == 1
    assert err.startswith(
        f"publisher: the disk that holds {publication.settings.folders.root} is full"
    )


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
